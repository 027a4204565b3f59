"""What only pods of one operating system may say."""

from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

_SYSTEMS = ("linux", "windows")
_CONTAINER_FIELDS = ("initContainers", "containers", "ephemeralContainers")
_NOT_WINDOWS = "cannot be set for a windows pod"
# In the order in which they are looked at; the rest is in the pod's security context.
_NOT_WINDOWS_SPEC = frozenset(("hostUsers", "hostPID", "hostIPC", "shareProcessNamespace"))
_NOT_WINDOWS_POD = (
    *("appArmorProfile", "seLinuxOptions", "hostUsers", "hostPID", "hostIPC", "seccompProfile", "fsGroup"),
    *("fsGroupChangePolicy", "sysctls", "shareProcessNamespace", "runAsUser", "runAsGroup", "supplementalGroups"),
    *("supplementalGroupsPolicy", "seLinuxChangePolicy"),
)
_NOT_WINDOWS_CONTEXT = (
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "capabilities",
    "readOnlyRootFilesystem",
    "privileged",
    "allowPrivilegeEscalation",
    "procMount",
    "runAsUser",
    "runAsGroup",
)


def validate_os(found: FieldErrors, spec: Object, path: str) -> None:
    os = spec.get("os")
    if os is None:
        return
    name = os.get("name") or ""
    if not name:
        found.required(f"{path}.os.name")
    elif name not in _SYSTEMS:
        found.not_supported(f"{path}.os", name, _SYSTEMS)
    elif name == "linux":
        _linux(found, spec, path)
    else:
        _windows(found, spec, path)


def _contexts(spec: Object, path: str) -> list[tuple[str, Object]]:
    """Security contexts of the containers."""
    return [
        (f"{path}.{field}[{index}].securityContext", container.get("securityContext") or {})
        for field in _CONTAINER_FIELDS
        for index, container in enumerate(spec.get(field) or ())
    ]


def _linux(found: FieldErrors, spec: Object, path: str) -> None:
    own = [(f"{path}.securityContext", spec.get("securityContext") or {})]
    for where, context in own + _contexts(spec, path):
        if context.get("windowsOptions") is not None:
            found.forbidden(f"{where}.windowsOptions", "windows options cannot be set for a linux pod")


def _windows(found: FieldErrors, spec: Object, path: str) -> None:
    shared: Object = spec.get("securityContext") or {}
    for field in _NOT_WINDOWS_POD if spec.get("securityContext") is not None else ():
        in_spec = field in _NOT_WINDOWS_SPEC
        value = spec.get(field) if in_spec else shared.get(field)
        if value is None or (value is False and field in ("hostPID", "hostIPC")):
            continue
        found.forbidden(f"{path}.{field}" if in_spec else f"{path}.securityContext.{field}", _NOT_WINDOWS)
    for where, context in _contexts(spec, path):
        for field in _NOT_WINDOWS_CONTEXT:
            if context.get(field) is not None:
                found.forbidden(f"{where}.{field}", _NOT_WINDOWS)


def validate_host_process(found: FieldErrors, spec: Object, path: str) -> None:
    """Host process containers (of Windows): all containers of a pod or none."""
    shared = ((spec.get("securityContext") or {}).get("windowsOptions") or {}).get("hostProcess")
    total = hosted = 0
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(field) or ()):
            total += 1
            own = ((container.get("securityContext") or {}).get("windowsOptions") or {}).get("hostProcess")
            if shared is not None and own is not None and shared != own:
                detail = f"pod hostProcess value must be identical if both are specified, was {str(shared).lower()}"
                where = f"{path}.{field}[{index}].securityContext.windowsOptions.hostProcess"
                found.invalid(where, own, detail)
            hosted += bool(shared if own is None else own)
    if hosted and hosted != total:
        detail = "If pod contains any hostProcess containers then all containers must be HostProcess containers"
        found.invalid(path, "", detail)
    if hosted and not spec.get("hostNetwork"):
        found.invalid(
            f"{path}.hostNetwork", False, "hostNetwork must be true if pod contains any hostProcess containers"
        )
