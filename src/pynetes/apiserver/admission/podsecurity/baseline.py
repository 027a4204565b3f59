"""The rules of level `baseline`: no known ways out of a container."""

from collections.abc import Iterable, Iterator
from typing import Any

from pynetes.apiserver.admission.podsecurity.rule import (
    Check,
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
)

_CAPABILITIES = frozenset(
    (
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    )
)
_PROFILES = ("RuntimeDefault", "Localhost")
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
_SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
_SECCOMP = "container.seccomp.security.alpha.kubernetes.io/"
_SELINUX_TYPES = ("", "container_t", "container_init_t", "container_kvm_t")
_SYSCTLS = (
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
)
_SYSCTLS_27 = (*_SYSCTLS, "net.ipv4.ip_local_reserved_ports")
_SYSCTLS_29 = (
    *_SYSCTLS_27,
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
)
_SYSCTLS_32 = (*_SYSCTLS_29, "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem")


def _app_armor_profile(metadata: Object, spec: Object) -> Violation | None:
    def bad_type(holder: Object) -> str | None:
        profile = security(holder).get("appArmorProfile")
        kind: str = (profile or {}).get("type", "")
        return kind if profile is not None and kind not in _PROFILES else None

    bad = [container for container in containers(spec) if bad_type(container) is not None]
    types = sorted({kind for holder in (spec, *bad) if (kind := bad_type(holder)) is not None})
    annotations = sorted(
        f'{key}="{value}"'
        for key, value in (metadata.get("annotations") or {}).items()
        if key.startswith(_APPARMOR) and value not in ("", "runtime/default") and not value.startswith("localhost/")
    )
    if not types and not annotations:
        return None
    who = [setters(bad_type(spec) is not None, names(bad))] if types else []
    if annotations:
        who.append(plural("annotation", len(annotations)))
    values = types + annotations
    return Violation(
        plural("forbidden AppArmor profile", len(values)),
        f"{' and '.join(who)} must not set AppArmor profile type to {quoted(values)}",
    )


def _capabilities(metadata: Object, spec: Object) -> Violation | None:
    bad: dict[str, list[str]] = {}
    for container in containers(spec):
        added = (security(container).get("capabilities") or {}).get("add") or ()
        if forbidden := [capability for capability in added if capability not in _CAPABILITIES]:
            bad[container.get("name", "")] = forbidden
    if not bad:
        return None
    values = sorted({capability for added in bad.values() for capability in added})
    detail = f"{containers_named(list(bad))} must not include {quoted(values)} in securityContext.capabilities.add"
    return Violation("non-default capabilities", detail)


def _host_namespaces(metadata: Object, spec: Object) -> Violation | None:
    found = [f"{field}=true" for field in ("hostNetwork", "hostPID", "hostIPC") if spec.get(field)]
    return Violation("host namespaces", ", ".join(found)) if found else None


def _host_path_volumes(metadata: Object, spec: Object) -> Violation | None:
    found = names(volume for volume in spec.get("volumes") or () if volume.get("hostPath") is not None)
    return Violation("hostPath volumes", f"{plural('volume', len(found))} {quoted(found)}") if found else None


def _host_ports(metadata: Object, spec: Object) -> Violation | None:
    bad: list[str] = []
    ports: set[str] = set()
    for container in containers(spec):
        own = {str(port["hostPort"]) for port in container.get("ports") or () if port.get("hostPort")}
        if own:
            bad.append(container.get("name", ""))
            ports |= own
    if not bad:
        return None
    uses = "uses" if len(bad) == 1 else "use"
    detail = f"{containers_named(bad)} {uses} {plural('hostPort', len(ports))} {', '.join(sorted(ports))}"
    return Violation("hostPort", detail)


def _handlers(container: Object) -> Iterator[Object]:
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        yield container.get(probe) or {}
    lifecycle = container.get("lifecycle") or {}
    for hook in ("postStart", "preStop"):
        yield lifecycle.get(hook) or {}


def _host_probes(metadata: Object, spec: Object) -> Violation | None:
    bad: set[str] = set()
    hosts: set[str] = set()
    for container in containers(spec):
        for handler in _handlers(container):
            for kind in ("httpGet", "tcpSocket"):
                if host := (handler.get(kind) or {}).get("host"):
                    bad.add(container.get("name", ""))
                    hosts.add(host)
    if not bad:
        return None
    uses = "uses" if len(bad) == 1 else "use"
    what = plural("probe or lifecycle host", len(hosts))
    detail = f"{containers_named(sorted(bad))} {uses} {what} {quoted(sorted(hosts))}"
    return Violation("probe or lifecycle host", detail)


def _privileged(metadata: Object, spec: Object) -> Violation | None:
    bad = names(container for container in containers(spec) if security(container).get("privileged"))
    if not bad:
        return None
    return Violation("privileged", f"{containers_named(bad)} must not set securityContext.privileged=true")


def proc_mount(metadata: Object, spec: Object) -> Violation | None:
    bad = [c for c in containers(spec) if security(c).get("procMount") not in (None, "Default")]
    if not bad:
        return None
    types = quoted(sorted({security(container)["procMount"] for container in bad}))
    return Violation("procMount", f"{containers_named(names(bad))} must not set securityContext.procMount to {types}")


def _se_linux_options(types: Iterable[str]) -> Check:
    allowed = frozenset(types)

    def violated(holder: Object) -> Object | None:
        options = security(holder).get("seLinuxOptions") or {}
        bad = options.get("type", "") not in allowed or options.get("user") or options.get("role")
        return options if bad else None

    def check(metadata: Object, spec: Object) -> Violation | None:
        bad = [container for container in containers(spec) if violated(container) is not None]
        options = [found for holder in (spec, *bad) if (found := violated(holder)) is not None]
        if not options:
            return None
        wrong = sorted({each["type"] for each in options if each.get("type", "") not in allowed})
        data = [f"{plural('type', len(wrong))} {quoted(wrong)}"] if wrong else []
        data += [f"{field} may not be set" for field in ("user", "role") if any(each.get(field) for each in options)]
        who = setters(violated(spec) is not None, names(bad))
        return Violation("seLinuxOptions", f"{who} set forbidden securityContext.seLinuxOptions: {'; '.join(data)}")

    return check


def _seccomp_annotations(metadata: Object, spec: Object) -> Violation | None:
    annotations = metadata.get("annotations") or {}
    keys = (_SECCOMP_POD, *(_SECCOMP + name for name in names(containers(spec))))
    found = sorted({f'{key}="{annotations[key]}"' for key in keys if not _valid_annotation(annotations.get(key))})
    if not found:
        return None
    return Violation("seccompProfile", f"forbidden {plural('annotation', len(found))} {', '.join(found)}")


def _valid_annotation(value: str | None) -> bool:
    return value is None or value in ("runtime/default", "docker/default") or value.startswith("localhost/")


def seccomp_type(holder: Object) -> str | None:
    """The type of the seccomp profile that a pod or container sets; None if it sets none."""
    profile: dict[str, Any] | None = security(holder).get("seccompProfile")
    return None if profile is None else str(profile.get("type", ""))


def seccomp_profile(metadata: Object, spec: Object) -> Violation | None:
    """Nothing but the runtime's default or a profile of the node may be named."""
    bad = [container for container in containers(spec) if seccomp_type(container) not in (None, *_PROFILES)]
    pod = seccomp_type(spec) not in (None, *_PROFILES)
    if not bad and not pod:
        return None
    types = sorted({str(seccomp_type(holder)) for holder in ((spec, *bad) if pod else bad)})
    who = setters(pod, names(bad))
    return Violation("seccompProfile", f"{who} must not set securityContext.seccompProfile.type to {quoted(types)}")


def _sysctls(allowed: Iterable[str]) -> Check:
    known = frozenset(allowed)

    def check(metadata: Object, spec: Object) -> Violation | None:
        found = [name for name in names(security(spec).get("sysctls") or ()) if name not in known]
        return Violation("forbidden sysctls", ", ".join(found)) if found else None

    return check


def _windows_host_process(metadata: Object, spec: Object) -> Violation | None:
    def asks(holder: Object) -> bool:
        return bool((security(holder).get("windowsOptions") or {}).get("hostProcess"))

    bad = names(container for container in containers(spec) if asks(container))
    if not bad and not asks(spec):
        return None
    who = setters(asks(spec), bad)
    return Violation("hostProcess", f"{who} must not set securityContext.windowsOptions.hostProcess=true")


#: In the order that messages list them.
RULES = (
    Rule("appArmorProfile", ((0, _app_armor_profile),)),
    Rule("capabilities_baseline", ((0, _capabilities),)),
    Rule("hostNamespaces", ((0, _host_namespaces),)),
    Rule("hostPathVolumes", ((0, _host_path_volumes),)),
    Rule("hostPorts", ((0, _host_ports),)),
    Rule("hostProbesAndHostLifecycle", ((34, _host_probes),)),
    Rule("privileged", ((0, _privileged),)),
    Rule("procMount", ((0, proc_mount), (35, without_user_namespaces(proc_mount)))),
    Rule(
        "seLinuxOptions",
        ((0, _se_linux_options(_SELINUX_TYPES)), (31, _se_linux_options((*_SELINUX_TYPES, "container_engine_t")))),
    ),
    Rule("seccompProfile_baseline", ((0, _seccomp_annotations), (19, seccomp_profile))),
    Rule(
        "sysctls",
        (
            (0, _sysctls(_SYSCTLS)),
            (27, _sysctls(_SYSCTLS_27)),
            (29, _sysctls(_SYSCTLS_29)),
            (32, _sysctls(_SYSCTLS_32)),
        ),
    ),
    Rule("windowsHostProcess", ((0, _windows_host_process),)),
)
