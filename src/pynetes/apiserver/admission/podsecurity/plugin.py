"""The admission plugin: refuses, notes and warns as a namespace's labels say.

Pods are refused; what makes pods (a Deployment, a Job) is only warned of. A namespace whose level rises is told which
of its pods would not be let in now.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from prometheus_client import Counter

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError, invalid
from pynetes.apis.names import NAMESPACES, PODS
from pynetes.apiserver.admission.attributes import Attributes, Objects, Plugin
from pynetes.apiserver.admission.podsecurity.configuration import Configuration
from pynetes.apiserver.admission.podsecurity.levels import (
    MODES,
    NEWEST,
    PREFIX,
    PRIVILEGED,
    LevelVersion,
    Policy,
    policy_of,
)
from pynetes.apiserver.admission.podsecurity.standard import described, violations
from pynetes.apiserver.objects import find
from pynetes.component import metrics

Object = dict[str, Any]

#: Where the pod template of each kind that makes pods lies.
_TEMPLATES: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "podtemplates"): ("template",),
    ("", "replicationcontrollers"): ("spec", "template"),
    ("apps", "replicasets"): ("spec", "template"),
    ("apps", "deployments"): ("spec", "template"),
    ("apps", "statefulsets"): ("spec", "template"),
    ("apps", "daemonsets"): ("spec", "template"),
    ("batch", "jobs"): ("spec", "template"),
    ("batch", "cronjobs"): ("spec", "jobTemplate", "spec", "template"),
}
_LEAST = str(LevelVersion())
_POD_SUBRESOURCES = ("", "ephemeralcontainers", "resize")
#: So many of a namespace's pods are looked at when its level rises.
_MOST_PODS = 3000


_REQUEST_LABELS = ("request_operation", "resource", "subresource")
_evaluations = metrics.counter(
    "pod_security_evaluations_total",
    "Number of policy evaluations that occurred, not counting ignored or exempt requests.",
    ("decision", "policy_level", "policy_version", "mode", *_REQUEST_LABELS),
)
_exemptions = metrics.counter(
    "pod_security_exemptions_total",
    "Number of exempt requests, not counting ignored or out of scope requests.",
    _REQUEST_LABELS,
)


def _labels(attrs: Attributes) -> tuple[str, str, str]:
    return attrs.operation.lower(), "pod" if attrs.gvr == PODS else "controller", attrs.subresource


@lru_cache(256)
def _counter(
    decision: str, wanted: LevelVersion, mode: str, operation: str, resource: str, subresource: str
) -> Counter:
    version = wanted.version if wanted.version == "latest" or wanted.minor <= NEWEST else "future"
    return _evaluations.labels(decision, wanted.level, version, mode, operation, resource, subresource)


class PodSecurity(Plugin):
    name = "PodSecurity"
    asks_only_kind = True

    def __init__(self, objects: Objects, configuration: Configuration | None = None) -> None:
        self._objects = objects
        self._configuration = configuration or Configuration()
        for operation in ("create", "update"):  # shown from the start
            _evaluations.labels("allow", "privileged", "latest", "enforce", operation, "pod", "")
            for resource in ("pod", "controller"):
                _exemptions.labels(operation, resource, "")

    def handles(self, attrs: Attributes) -> bool:
        if attrs.operation not in ("CREATE", "UPDATE"):
            return False
        if attrs.gvr == PODS:
            return attrs.subresource in _POD_SUBRESOURCES
        if attrs.subresource:
            return False
        return attrs.gvr == NAMESPACES or (attrs.gvr.group, attrs.gvr.resource) in _TEMPLATES

    async def validate(self, attrs: Attributes) -> None:
        assert attrs.obj is not None
        if attrs.gvr == NAMESPACES:
            self._namespace(attrs, attrs.obj)
            return
        if exempt := self._exemption(attrs):
            self._exempted(attrs, exempt)
            return
        policy, problem = await self._policy(attrs.namespace)
        if policy.is_privileged and not problem:
            if attrs.gvr == PODS:
                self._note(attrs, "enforce-policy", _LEAST)
                self._evaluated(attrs, "allow", "enforce", policy.enforce)
            return
        if problem:
            self._note(attrs, "error", f"Failed to parse policy: {problem}")
        if attrs.gvr == PODS:
            if attrs.old is None or is_significant(attrs.obj, attrs.old):
                self._pod(attrs, policy, attrs.obj)
        else:
            self._template(attrs, policy)

    def _exemption(self, attrs: Attributes) -> str:
        """For whose sake a write is not looked at; "" if it is."""
        if attrs.namespace in self._configuration.namespaces:
            return "namespace"
        return "user" if attrs.user.name in self._configuration.usernames else ""

    def _exempted(self, attrs: Attributes, why: str) -> None:
        self._note(attrs, "exempt", why)
        _exemptions.labels(*_labels(attrs)).inc()

    def _is_exempt(self, spec: Object) -> bool:
        return spec.get("runtimeClassName") in self._configuration.runtime_classes

    async def _policy(self, namespace: str) -> tuple[Policy, str]:
        try:
            found = await find(self._objects, NAMESPACES, namespace)
        except StatusError as error:
            if error.code == 404:  # NamespaceLifecycle has let it through
                return Policy(), ""
            raise
        policy, errors = policy_of(meta.labels(found), self._configuration.defaults)
        return policy, ", ".join(str(error) for error in errors)

    def _evaluated(self, attrs: Attributes, decision: str, mode: str, wanted: LevelVersion) -> None:
        _counter(decision, wanted, mode, *_labels(attrs)).inc()

    def _note(self, attrs: Attributes, key: str, text: str) -> None:
        attrs.annotations[PREFIX + key] = text

    def _pod(self, attrs: Attributes, policy: Policy, pod: Object) -> None:
        metadata, spec = pod.get("metadata") or {}, pod.get("spec") or {}
        if self._is_exempt(spec):
            self._exempted(attrs, "runtimeClass")
            return
        self._note(attrs, "enforce-policy", str(policy.enforce))
        self._audit(attrs, policy, metadata, spec)
        found = violations(policy.enforce, metadata, spec)
        self._evaluated(attrs, "deny" if found else "allow", "enforce", policy.enforce)
        if found:
            raise attrs.forbid(f'violates PodSecurity "{policy.enforce}": {described(found)}')
        self._warn(attrs, policy, metadata, spec)

    def _template(self, attrs: Attributes, policy: Policy) -> None:
        template: Any = attrs.obj
        for field in _TEMPLATES[attrs.gvr.group, attrs.gvr.resource]:
            template = (template or {}).get(field)
        if template is not None:
            metadata, spec = template.get("metadata") or {}, template.get("spec") or {}
            if self._is_exempt(spec):
                self._exempted(attrs, "runtimeClass")
                return
            self._audit(attrs, policy, metadata, spec)
            self._warn(attrs, policy, metadata, spec)

    def _audit(self, attrs: Attributes, policy: Policy, metadata: Object, spec: Object) -> None:
        if found := violations(policy.audit, metadata, spec):
            self._evaluated(attrs, "deny", "audit", policy.audit)
            self._note(attrs, "audit-violations", _would(policy.audit, described(found)))

    def _warn(self, attrs: Attributes, policy: Policy, metadata: Object, spec: Object) -> None:
        if found := violations(policy.warn, metadata, spec):
            self._evaluated(attrs, "deny", "warn", policy.warn)
            attrs.warnings.append(_would(policy.warn, described(found)))

    # namespaces

    def _namespace(self, attrs: Attributes, namespace: Object) -> None:
        defaults, exempt = self._configuration.defaults, attrs.name in self._configuration.namespaces
        new, errors = policy_of(meta.labels(namespace), defaults)
        if attrs.old is None:
            if errors:
                raise invalid("Namespace", "", attrs.name, errors)
            if exempt:
                attrs.warnings += exempt_warnings(attrs.name, new, meta.labels(namespace), defaults)
            return
        old, old_errors = policy_of(meta.labels(attrs.old), defaults)
        if errors and errors != old_errors:
            raise invalid("Namespace", "", attrs.name, errors)
        if is_stricter(new.enforce, old.enforce):
            if exempt:
                attrs.warnings += exempt_warnings(attrs.name, new, meta.labels(namespace), defaults)
                return
            pods = [p for p in self._objects.cached_list(PODS, attrs.name) if not self._is_exempt(p.get("spec") or {})]
            attrs.warnings += namespace_warnings(attrs.name, new.enforce, pods)


def exempt_warnings(name: str, policy: Policy, labels: Mapping[str, str], defaults: Policy) -> list[str]:
    """Who labels a namespace that is left alone is told so."""
    modes = {mode: getattr(policy, mode) for mode in MODES}
    if policy == defaults or all(wanted.level == PRIVILEGED for wanted in modes.values()):
        return []
    stated = [
        f"{mode}={wanted}"
        for mode, wanted in modes.items()
        if wanted.level != PRIVILEGED and (PREFIX + mode in labels or f"{PREFIX}{mode}-version" in labels)
    ]
    told = f"the policy ({', '.join(stated)}) will be ignored"
    return [f'namespace "{name}" is exempt from Pod Security, and {told}']


def _would(wanted: LevelVersion, text: str) -> str:
    return f'would violate PodSecurity "{wanted}": {text}'


def is_stricter(new: LevelVersion, old: LevelVersion) -> bool:
    """Whether pods that were let in might not be any more."""
    if new == old or new.level == PRIVILEGED:
        return False
    return new.version != old.version or new.rank > old.rank


def is_significant(pod: Object, old: Object) -> bool:
    """Whether an update changes what is looked at: containers that come, and images."""
    spec, before = pod.get("spec") or {}, old.get("spec") or {}
    for field in ("containers", "initContainers"):
        ours, theirs = spec.get(field) or [], before.get(field) or []
        if len(ours) != len(theirs) or any(a.get("image") != b.get("image") for a, b in zip(ours, theirs, strict=True)):
            return True
    images = {container.get("name"): container.get("image") for container in before.get("ephemeralContainers") or ()}
    return any(
        container.get("name") not in images or images[container.get("name")] != container.get("image")
        for container in spec.get("ephemeralContainers") or ()
    )


def namespace_warnings(name: str, enforce: LevelVersion, pods: Iterable[Object]) -> list[str]:
    """What to tell of pods that are there and violate a namespace's new level; those alike share a line."""
    ordered = _one_of_each_controller_first(pods)
    warnings = []
    if len(ordered) > _MOST_PODS:
        warnings.append(
            f"new PodSecurity enforce level only checked against the first {_MOST_PODS} of {len(ordered)} existing pods"
        )
    alike: dict[str, list[str]] = {}
    for pod in ordered[:_MOST_PODS]:
        if found := violations(enforce, pod.get("metadata") or {}, pod.get("spec") or {}):
            alike.setdefault(", ".join(violation.reason for violation in found), []).append(meta.name(pod))
    if alike:
        warnings.append(f'existing pods in namespace "{name}" violate the new PodSecurity enforce level "{enforce}"')
    return warnings + sorted(f"{_first_and_others(pods)}: {reasons}" for reasons, pods in alike.items())


def _first_and_others(pods: list[str]) -> str:
    others = len(pods) - 1
    if not others:
        return pods[0]
    return f"{min(pods)} (and {others} other {'pod' if others == 1 else 'pods'})"


def _one_of_each_controller_first(pods: Iterable[Object]) -> list[Object]:
    first: list[Object] = []
    rest: list[Object] = []
    seen: set[str] = set()
    for pod in pods:
        controller = (meta.controller_of(pod) or {}).get("uid")
        (rest if controller in seen else first).append(pod)
        if controller is not None:
            seen.add(controller)
    return first + rest
