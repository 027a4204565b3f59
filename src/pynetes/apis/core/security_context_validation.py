"""Security contexts of pods and containers."""

import re

from pynetes.apimachinery import names
from pynetes.apis.core.path_validation import validate_local_path
from pynetes.apis.core.windows_options_validation import validate_windows_options
from pynetes.apis.field_errors import FieldErrors, go_struct
from pynetes.apis.strategy import Object

_PROC_MOUNTS = ("Default", "Unmasked")
_PROFILE_TYPES = ("Localhost", "RuntimeDefault", "Unconfined")
_FS_GROUP_CHANGE = ("Always", "OnRootMismatch")
_SUPPLEMENTAL = ("Merge", "Strict")
_SELINUX_CHANGE = ("Recursive",)
_SYSCTL_MAX = 253
_SYSCTL_TEXT = r"^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"
_SYSCTL = re.compile(_SYSCTL_TEXT, re.ASCII)
_IPC_SYSCTLS = ("kernel.shm", "kernel.msg", "fs.mqueue.")
_APPARMOR_MAX = 4095


def validate_security_context(found: FieldErrors, context: Object | None, path: str, *, host_users: bool) -> None:
    """A container's."""
    if context is None:
        return
    _ids(found, context, path, ("runAsUser", "runAsGroup"))
    proc_mount = context.get("procMount")
    if proc_mount is not None:
        if proc_mount not in _PROC_MOUNTS:
            found.not_supported(f"{path}.procMount", proc_mount, _PROC_MOUNTS)
        if host_users and proc_mount == "Unmasked":
            found.invalid(f"{path}.procMount", proc_mount, "`hostUsers` must be false to use `Unmasked`")
    _seccomp(found, context.get("seccompProfile"), f"{path}.seccompProfile")
    if context.get("allowPrivilegeEscalation") is False:
        if context.get("privileged"):
            detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            found.invalid(path, context, detail)
        added = (context.get("capabilities") or {}).get("add") or ()
        if "CAP_SYS_ADMIN" in added:
            detail = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            found.invalid(path, context, detail)
    validate_windows_options(found, context.get("windowsOptions"), f"{path}.windowsOptions")
    _app_armor(found, context.get("appArmorProfile"), f"{path}.appArmorProfile")


def validate_pod_security_context(found: FieldErrors, spec: Object, path: str) -> None:
    context = spec.get("securityContext")
    if not context:
        return
    _ids(found, context, path, ("fsGroup", "runAsUser", "runAsGroup"))
    for index, group in enumerate(context.get("supplementalGroups") or ()):
        found.rule(f"{path}.supplementalGroups[{index}]", group, names.user_id)
    _sysctls(found, context.get("sysctls") or [], spec, f"{path}.sysctls")
    _choice(found, context, path, "fsGroupChangePolicy", _FS_GROUP_CHANGE)
    _seccomp(found, context.get("seccompProfile"), f"{path}.seccompProfile")
    validate_windows_options(found, context.get("windowsOptions"), f"{path}.windowsOptions")
    _app_armor(found, context.get("appArmorProfile"), f"{path}.appArmorProfile")
    _choice(found, context, path, "supplementalGroupsPolicy", _SUPPLEMENTAL)
    _choice(found, context, path, "seLinuxChangePolicy", _SELINUX_CHANGE)


def _choice(found: FieldErrors, context: Object, path: str, field: str, allowed: tuple[str, ...]) -> None:
    value = context.get(field)
    if value is not None and value not in allowed:
        found.not_supported(f"{path}.{field}", value, allowed)


def _ids(found: FieldErrors, context: Object, path: str, fields: tuple[str, ...]) -> None:
    for field in fields:
        if context.get(field) is not None:
            found.rule(f"{path}.{field}", context[field], names.user_id)


def _sysctls(found: FieldErrors, sysctls: list[Object], spec: Object, path: str) -> None:
    seen: set[str] = set()
    for index, sysctl in enumerate(sysctls):
        own, name = f"{path}[{index}].name", sysctl.get("name") or ""
        if not name:
            found.required(own)
        elif len(name) > _SYSCTL_MAX or not _SYSCTL.fullmatch(name):
            found.invalid(own, name, f"must have at most {_SYSCTL_MAX} characters and match regex {_SYSCTL_TEXT}")
        elif name in seen:
            found.duplicate(own, name)
        seen.add(name)
        dotted = name.replace("/", ".")
        if spec.get("hostNetwork") and dotted.startswith("net."):
            found.invalid(own, name, "may not be specified when 'hostNetwork' is true")
        elif spec.get("hostIPC") and (dotted == "kernel.sem" or dotted.startswith(_IPC_SYSCTLS)):
            found.invalid(own, name, "may not be specified when 'hostIPC' is true")


def _seccomp(found: FieldErrors, profile: Object | None, path: str) -> None:
    if profile is None:
        return
    kind, local = profile.get("type") or "", profile.get("localhostProfile")
    if not kind:
        found.required(f"{path}.type", "type is required when seccompProfile is set")
    elif kind not in _PROFILE_TYPES:
        found.not_supported(f"{path}.type", kind, _PROFILE_TYPES)
    if kind != "Localhost":
        if local is not None:
            detail = "can only be set when seccomp type is Localhost"
            found.invalid(f"{path}.localhostProfile", go_struct(profile, Type="", LocalhostProfile=None), detail)
    elif local is None:
        found.required(f"{path}.localhostProfile", "must be set when seccomp type is Localhost")
    else:
        validate_local_path(found, local, f"{path}.localhostProfile")


def _app_armor(found: FieldErrors, profile: Object | None, path: str) -> None:
    if profile is None:
        return
    kind, local = profile.get("type") or "", profile.get("localhostProfile")
    own = f"{path}.localhostProfile"
    if not kind:
        found.required(f"{path}.type", "type is required when appArmorProfile is set")
    elif kind not in _PROFILE_TYPES:
        found.not_supported(f"{path}.type", kind, _PROFILE_TYPES)
    elif kind != "Localhost":
        if local is not None:
            found.invalid(own, local, "can only be set when AppArmor type is Localhost")
    elif local is None or not local:
        found.required(own, "must be set when AppArmor type is Localhost")
    else:
        if local != local.strip():
            found.invalid(own, local, "must not be padded with whitespace")
        if len(local) > _APPARMOR_MAX:
            found.too_long(own, _APPARMOR_MAX)
