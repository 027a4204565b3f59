"""The security context a container runs with: its own, filled up from the pod's, in CRI's terms."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pynetes.kubelet import pod as pods
from pynetes.kubelet.cri import runtime_pb2 as pb

_MASKED = (
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
)
_READONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_INHERITED = ("seLinuxOptions", "runAsUser", "runAsGroup", "runAsNonRoot")
_MAX_UID = 2**31 - 1


class SecurityContextError(Exception):
    """The container asks for what cannot be: waiting reason CreateContainerConfigError."""


def effective(pod: Mapping[str, Any], container: Mapping[str, Any]) -> dict[str, Any]:
    """The container's context over what it inherits from the pod's."""
    from_pod = pod["spec"].get("securityContext") or {}
    inherited = {name: from_pod[name] for name in _INHERITED if from_pod.get(name) is not None}
    own = {name: value for name, value in (container.get("securityContext") or {}).items() if value is not None}
    return inherited | own


def namespaces(pod: Mapping[str, Any]) -> pb.NamespaceOption:
    """PID's zero value means shared: CONTAINER must be said."""
    spec = pod["spec"]
    pid: pb.NamespaceMode = pb.CONTAINER
    if spec.get("hostPID"):
        pid = pb.NODE
    elif spec.get("shareProcessNamespace"):
        pid = pb.POD
    return pb.NamespaceOption(
        network=pb.NODE if spec.get("hostNetwork") else pb.POD,
        ipc=pb.NODE if spec.get("hostIPC") else pb.POD,
        pid=pid,
    )


def seccomp(pod: Mapping[str, Any], container: Mapping[str, Any], root: str, *, default: bool) -> pb.SecurityProfile:
    """`root` is where Localhost profiles lie; `default` is the kubelet's seccompDefault."""
    profile = (container.get("securityContext") or {}).get("seccompProfile")
    profile = profile or (pod["spec"].get("securityContext") or {}).get("seccompProfile")
    kind = (profile or {}).get("type") or ("RuntimeDefault" if default else "Unconfined")
    if kind == "RuntimeDefault":
        return pb.SecurityProfile(profile_type=pb.SecurityProfile.RuntimeDefault)
    if kind == "Localhost":
        name = (profile or {}).get("localhostProfile")
        if not name:
            raise SecurityContextError("localhostProfile must be set if seccompProfile type is Localhost.")
        return pb.SecurityProfile(profile_type=pb.SecurityProfile.Localhost, localhost_ref=str(Path(root, name)))
    return pb.SecurityProfile(profile_type=pb.SecurityProfile.Unconfined)


_APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"


def apparmor_profile(pod: Mapping[str, Any], container: Mapping[str, Any]) -> dict[str, Any] | None:
    """As the field's value: `{"type": …, "localhostProfile": …}`; the old annotation counts too."""
    own = (container.get("securityContext") or {}).get("appArmorProfile")
    if own:
        return dict(own)
    text = (pod["metadata"].get("annotations") or {}).get(_APPARMOR_ANNOTATION + container["name"])
    if text == "runtime/default":
        return {"type": "RuntimeDefault"}
    if text == "unconfined":
        return {"type": "Unconfined"}
    if text and text.startswith("localhost/"):
        return {"type": "Localhost", "localhostProfile": text.removeprefix("localhost/")}
    from_pod = (pod["spec"].get("securityContext") or {}).get("appArmorProfile")
    return dict(from_pod) if from_pod else None


def _apparmor(pod: Mapping[str, Any], container: Mapping[str, Any]) -> pb.SecurityProfile | None:
    profile = apparmor_profile(pod, container)
    if profile is None:
        return None
    kind = profile.get("type")
    if kind == "Localhost":
        name = profile.get("localhostProfile")
        if not name:
            raise SecurityContextError("missing localhost apparmor profile name")
        return pb.SecurityProfile(profile_type=pb.SecurityProfile.Localhost, localhost_ref=name)
    if kind == "RuntimeDefault":
        return pb.SecurityProfile(profile_type=pb.SecurityProfile.RuntimeDefault)
    return pb.SecurityProfile(profile_type=pb.SecurityProfile.Unconfined)


def selinux(options: Mapping[str, Any] | None) -> pb.SELinuxOption | None:
    if not options:
        return None
    return pb.SELinuxOption(**{name: options.get(name) or "" for name in ("user", "role", "type", "level")})


def supplemental_groups(pod: Mapping[str, Any]) -> list[int]:
    context = pod["spec"].get("securityContext") or {}
    own = [int(context["fsGroup"])] if context.get("fsGroup") is not None else []
    return own + [int(group) for group in context.get("supplementalGroups") or ()]


def groups_policy(pod: Mapping[str, Any]) -> pb.SupplementalGroupsPolicy:
    policy = (pod["spec"].get("securityContext") or {}).get("supplementalGroupsPolicy") or "Merge"
    if policy not in ("Merge", "Strict"):
        raise SecurityContextError(f"unsupported supplementalGroupsPolicy: {policy}")
    return pb.Strict if policy == "Strict" else pb.Merge


@cache
def masked_paths() -> tuple[str, ...]:
    """Also each processor's thermal_throttle, as far as this machine has them."""
    found = Path("/sys/devices/system/cpu").glob("cpu[0-9]*/thermal_throttle")
    return (*_MASKED, *(str(path) for path in sorted(found)))


def container_security_context(
    pod: Mapping[str, Any],
    container: Mapping[str, Any],
    *,
    image_uid: int | None,
    image_username: str,
    seccomp_root: str,
    seccomp_default: bool,
) -> pb.LinuxContainerSecurityContext:
    """Raises SecurityContextError."""
    context = effective(pod, container)
    verify_run_as_non_root(pod, container, image_uid, image_username)
    out = pb.LinuxContainerSecurityContext(
        capabilities=_capabilities(context.get("capabilities")),
        selinux_options=selinux(context.get("seLinuxOptions")),
        privileged=bool(context.get("privileged")),
        readonly_rootfs=bool(context.get("readOnlyRootFilesystem")),
        seccomp=seccomp(pod, container, seccomp_root, default=seccomp_default),
        apparmor=_apparmor(pod, container),
        namespace_options=namespaces(pod),
        supplemental_groups=supplemental_groups(pod),
        supplemental_groups_policy=groups_policy(pod),
        no_new_privs=context.get("allowPrivilegeEscalation") is False,
    )
    if context.get("runAsUser") is not None:
        out.run_as_user.value = int(context["runAsUser"])
    elif image_uid is not None:
        out.run_as_user.value = image_uid
    else:
        out.run_as_username = image_username
    if context.get("runAsGroup") is not None:
        out.run_as_group.value = int(context["runAsGroup"])
    if context.get("procMount") != "Unmasked":
        out.masked_paths.extend(masked_paths())
        out.readonly_paths.extend(_READONLY)
    return out


def _capabilities(value: Mapping[str, Any] | None) -> pb.Capability | None:
    if not value:
        return None
    return pb.Capability(add_capabilities=value.get("add") or [], drop_capabilities=value.get("drop") or [])


def verify_run_as_non_root(
    pod: Mapping[str, Any], container: Mapping[str, Any], image_uid: int | None, image_username: str
) -> None:
    """Only numeric users can be told from root. Texts are upstream's."""
    context = effective(pod, container)
    if not context.get("runAsNonRoot"):
        return
    where = f'(pod: "{pods.describe(pod)}", container: {container["name"]})'
    if (user := context.get("runAsUser")) is not None:
        if int(user) == 0:
            raise SecurityContextError(f"container's runAsUser breaks non-root policy {where}")
        return
    if image_uid is None:
        if image_username:
            raise SecurityContextError(
                f"container has runAsNonRoot and image has non-numeric user ({image_username}), "
                f"cannot verify user is non-root {where}"
            )
    elif image_uid == 0:
        raise SecurityContextError(f"container has runAsNonRoot and image will run as root {where}")
    elif not 0 <= image_uid <= _MAX_UID:
        raise SecurityContextError(
            f"container has runAsNonRoot and image has an invalid user id ({image_uid}). (Must be 1-({_MAX_UID})): "
            f"must be between 0 and {_MAX_UID}, inclusive {where}"
        )
