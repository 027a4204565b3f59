"""The rules of level `restricted`: today's best practice for pods."""

from pynetes.apiserver.admission.podsecurity.baseline import proc_mount, seccomp_profile, seccomp_type
from pynetes.apiserver.admission.podsecurity.rule import (
    Object,
    Rule,
    Violation,
    containers,
    containers_named,
    names,
    plural,
    quoted,
    security,
    setters,
    without_user_namespaces,
    without_windows,
)

_VOLUMES = frozenset(
    (
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    )
)


def _allow_privilege_escalation(metadata: Object, spec: Object) -> Violation | None:
    bad = names(c for c in containers(spec) if security(c).get("allowPrivilegeEscalation") is not False)
    if not bad:
        return None
    detail = f"{containers_named(bad)} must set securityContext.allowPrivilegeEscalation=false"
    return Violation("allowPrivilegeEscalation != false", detail)


def _capabilities(metadata: Object, spec: Object) -> Violation | None:
    keeping: list[str] = []
    adding: dict[str, list[str]] = {}
    for container in containers(spec):
        capabilities = security(container).get("capabilities") or {}
        if "ALL" not in (capabilities.get("drop") or ()):
            keeping.append(container.get("name", ""))
        if added := [each for each in capabilities.get("add") or () if each != "NET_BIND_SERVICE"]:
            adding[container.get("name", "")] = added
    details = []
    if keeping:
        details.append(f'{containers_named(keeping)} must set securityContext.capabilities.drop=["ALL"]')
    if adding:
        values = sorted({capability for added in adding.values() for capability in added})
        who = containers_named(list(adding))
        details.append(f"{who} must not include {quoted(values)} in securityContext.capabilities.add")
    return Violation("unrestricted capabilities", "; ".join(details)) if details else None


def _volumes(metadata: Object, spec: Object) -> Violation | None:
    bad: list[str] = []
    types: set[str] = set()
    for volume in spec.get("volumes") or ():
        sources = [field for field, value in volume.items() if field != "name" and value is not None]
        if not _VOLUMES.intersection(sources):
            bad.append(volume.get("name", ""))
            types.add(sources[0] if sources else "unknown")
    if not bad:
        return None
    uses = "uses" if len(bad) == 1 else "use"
    what = plural("restricted volume type", len(types))
    detail = f"{plural('volume', len(bad))} {quoted(bad)} {uses} {what} {quoted(sorted(types))}"
    return Violation("restricted volume types", detail)


def _run_as_non_root(metadata: Object, spec: Object) -> Violation | None:
    pod = security(spec).get("runAsNonRoot")
    bad = names(c for c in containers(spec) if security(c).get("runAsNonRoot") is False)
    if bad or pod is False:
        who = setters(pod is False, bad)
        return Violation("runAsNonRoot != true", f"{who} must not set securityContext.runAsNonRoot=false")
    open_ = names(c for c in containers(spec) if security(c).get("runAsNonRoot") is None)
    if pod or not open_:
        return None
    detail = f"pod or {containers_named(open_)} must set securityContext.runAsNonRoot=true"
    return Violation("runAsNonRoot != true", detail)


def _run_as_user(metadata: Object, spec: Object) -> Violation | None:
    pod = security(spec).get("runAsUser") == 0
    bad = names(container for container in containers(spec) if security(container).get("runAsUser") == 0)
    if not bad and not pod:
        return None
    return Violation("runAsUser=0", f"{setters(pod, bad)} must not set runAsUser=0")


def _seccomp_profile(metadata: Object, spec: Object) -> Violation | None:
    """One must be named, by the pod or by every container."""
    if wrong := seccomp_profile(metadata, spec):
        return wrong
    open_ = names(container for container in containers(spec) if seccomp_type(container) is None)
    if seccomp_type(spec) is not None or not open_:
        return None
    detail = (
        f"pod or {containers_named(open_)} must set securityContext.seccompProfile.type "
        'to "RuntimeDefault" or "Localhost"'
    )
    return Violation("seccompProfile", detail)


#: In the order that messages list them, after the baseline's.
RULES = (
    Rule(
        "allowPrivilegeEscalation",
        ((8, _allow_privilege_escalation), (25, without_windows(_allow_privilege_escalation))),
    ),
    Rule(
        "capabilities_restricted",
        ((22, _capabilities), (25, without_windows(_capabilities))),
        overrides=("capabilities_baseline",),
    ),
    Rule("procMount_restricted", ((35, proc_mount),), overrides=("procMount",)),
    Rule("restrictedVolumes", ((0, _volumes),), overrides=("hostPathVolumes",)),
    Rule("runAsNonRoot", ((0, _run_as_non_root), (35, without_user_namespaces(_run_as_non_root)))),
    Rule("runAsUser", ((23, _run_as_user), (35, without_user_namespaces(_run_as_user)))),
    Rule(
        "seccompProfile_restricted",
        ((19, _seccomp_profile), (25, without_windows(_seccomp_profile))),
        overrides=("seccompProfile_baseline",),
    ),
)
