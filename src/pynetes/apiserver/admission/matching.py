"""Which requests a webhook or a policy is meant for: rules, selectors, and other versions of the same resource."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from pynetes.apimachinery.errors import StatusError, internal
from pynetes.apimachinery.gvk import GroupVersionKind, GroupVersionResource
from pynetes.apimachinery.selectors import LabelSelector, from_label_selector
from pynetes.apis.names import NAMESPACES
from pynetes.apiserver.admission.attributes import Attributes, Objects
from pynetes.apiserver.admission.versions import Versions
from pynetes.apiserver.objects import find

Object = dict[str, Any]

_GROUP = "admissionregistration.k8s.io"
_EXEMPT = frozenset(
    (
        *("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"),
        *("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
        *("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"),
    )
)


def is_exempt(attrs: Attributes) -> bool:
    """What configures admission is never sent through it, so that nobody locks himself out."""
    return attrs.kind.group == _GROUP and attrs.kind.kind in _EXEMPT


class Match(Struct, frozen=True):
    """The resource and kind that the rule asked for."""

    resource: GroupVersionResource
    kind: GroupVersionKind


def rule_matches(rule: Mapping[str, Any], attrs: Attributes, resource: GroupVersionResource) -> bool:
    """One RuleWithOperations against the request, taken as one for `resource`."""
    operations = rule.get("operations") or ()
    return (
        ("*" in operations or attrs.operation in operations)
        and _listed(rule.get("apiGroups") or (), resource.group)
        and _listed(rule.get("apiVersions") or (), resource.version)
        and _scope_matches(rule.get("scope") or "*", attrs, resource)
        and any(_resource_matches(each, resource.resource, attrs.subresource) for each in rule.get("resources") or ())
        and _name_matches(rule.get("resourceNames") or (), attrs)
    )


def _listed(values: Sequence[str], wanted: str) -> bool:
    return "*" in values or wanted in values


def _scope_matches(scope: str, attrs: Attributes, resource: GroupVersionResource) -> bool:
    if scope == "*":
        return True
    # A request for a namespace names it as its own, but the object is no namespaced one.
    namespaced = bool(attrs.namespace) and resource != NAMESPACES
    return namespaced if scope == "Namespaced" else not namespaced


def _resource_matches(pattern: str, resource: str, subresource: str) -> bool:
    wanted, _, sub = pattern.partition("/")
    return wanted in ("*", resource) and sub in ("*", subresource)


def _name_matches(names: Sequence[str], attrs: Attributes) -> bool:
    return not names or attrs.name in names


class Matcher(Struct):
    """Rules and selectors of one webhook, policy or binding. `exclude` are rules that take requests out again."""

    rules: Sequence[Mapping[str, Any]]
    equivalent: bool
    namespace_selector: LabelSelector
    object_selector: LabelSelector
    exclude: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    #: Whether a matcher without rules matches everything (that of a binding).
    open: bool = False

    @classmethod
    def of(cls, match: Mapping[str, Any], rules: str = "rules", *, open: bool = False) -> "Matcher":
        """From a webhook or MatchResources; `rules` is the field that holds them."""
        return cls(
            match.get(rules) or (),
            match.get("matchPolicy") != "Exact",
            from_label_selector(match.get("namespaceSelector") or {}),
            from_label_selector(match.get("objectSelector") or {}),
            match.get("excludeResourceRules") or (),
            open,
        )

    async def match(self, attrs: Attributes, objects: Objects, versions: Versions) -> Match | None:
        """How the request is meant; None if it is not. StatusError if nobody can tell (a namespace that is gone)."""
        found = self._by_rules(attrs, versions)
        if found is None or not self._object_matches(attrs):
            return None
        if not await namespace_matches(self.namespace_selector, attrs, objects):
            return None
        return found

    def _by_rules(self, attrs: Attributes, versions: Versions) -> Match | None:
        if self.exclude and _first(self.exclude, attrs, versions, self.equivalent) is not None:
            return None
        if not self.rules and self.open:
            return Match(attrs.gvr, attrs.kind)
        return _first(self.rules, attrs, versions, self.equivalent)

    def _object_matches(self, attrs: Attributes) -> bool:
        selector = self.object_selector
        return selector.empty or _labels_match(attrs.obj, selector) or _labels_match(attrs.old, selector)


def _first(rules: Sequence[Mapping[str, Any]], attrs: Attributes, versions: Versions, equivalent: bool) -> Match | None:
    if any(rule_matches(rule, attrs, attrs.gvr) for rule in rules):
        return Match(attrs.gvr, attrs.kind)
    if not equivalent or not any(_could_match(rule, attrs) for rule in rules):
        return None
    others = versions.equivalents(attrs.gvr)
    for rule in rules:
        for other in others:
            if rule_matches(rule, attrs, other):
                kind = versions.kind_of(other, attrs.subresource, attrs.kind)
                if kind is None:
                    raise internal(f"unable to convert to {other}: unknown kind")
                return Match(other, kind)
    return None


def _could_match(rule: Mapping[str, Any], attrs: Attributes) -> bool:
    """Cheap: whether the rule can mean another version at all."""
    operations = rule.get("operations") or ()
    return "*" in operations or attrs.operation in operations


def _labels_match(obj: Object | None, selector: LabelSelector) -> bool:
    if obj is None or not isinstance(obj.get("metadata"), dict):
        return False
    return selector.matches(obj["metadata"].get("labels") or {})


async def namespace_matches(selector: LabelSelector, attrs: Attributes, objects: Objects) -> bool:
    """Objects without a namespace are never selected out, unless they are namespaces themselves."""
    if selector.empty or (not attrs.namespace and attrs.gvr.resource != "namespaces"):
        return True
    if attrs.gvr.resource == "namespaces" and not attrs.subresource and attrs.obj is not None:
        return selector.matches(attrs.obj["metadata"].get("labels") or {})
    namespace = await namespace_of(attrs, objects)
    return selector.matches((namespace or {}).get("metadata", {}).get("labels") or {})


async def namespace_of(attrs: Attributes, objects: Objects) -> Object | None:
    """The request's namespace, from the store if memory does not have it yet; StatusError 404."""
    if not attrs.namespace:
        return None
    try:
        return await find(objects, NAMESPACES, attrs.namespace)
    except StatusError as error:
        if error.code == 404:
            raise
        raise internal(error.message) from None
