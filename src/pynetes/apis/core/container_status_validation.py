"""What a Pod's status says of its containers: whom they run as, and the health of the devices they were given."""

from pynetes.apimachinery import names
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

_SPECS = {"containerStatuses": "containers", "initContainerStatuses": "initContainers"}
_FIELDS = (*_SPECS, "ephemeralContainerStatuses")
_HEALTH = ("Healthy", "Unhealthy", "Unknown")
_MESSAGE_MAX = 1024
_CLAIM = "claim:"
_NO_CLAIM = (
    "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or "
    "'claim:<claimName>' if request is empty"
)
_NO_REQUEST = "must match one of the container's resource requests"


def validate_container_statuses(found: FieldErrors, status: Object, spec: Object) -> None:
    os = (spec.get("os") or {}).get("name") or "linux"
    for field in _FIELDS:
        for index, each in enumerate(status.get(field) or ()):
            linux = (each.get("user") or {}).get("linux")
            if linux is not None:
                _user(found, linux, os, f"status.{field}[{index}].user.linux")
    for field in _FIELDS:
        containers = {c.get("name"): c for c in spec.get(_SPECS.get(field, "")) or ()}
        for index, each in enumerate(status.get(field) or ()):
            path = f"status.{field}[{index}].allocatedResourcesStatus"
            allocated = each.get("allocatedResourcesStatus") or ()
            if field not in _SPECS and allocated:
                found.forbidden(path, "must not be specified in container status")
                continue
            for number, resource in enumerate(allocated):
                _allocated(found, resource, containers.get(each.get("name")), f"{path}[{number}]")


def _user(found: FieldErrors, linux: Object, os: str, path: str) -> None:
    if os == "windows":
        found.forbidden(path, "cannot be set for a windows pod")
        return
    for field in ("uid", "gid"):
        found.rule(f"{path}.{field}", linux.get(field) or 0, names.user_id)
    for index, group in enumerate(linux.get("supplementalGroups") or ()):
        found.rule(f"{path}.supplementalGroups[{index}]", group, names.user_id)


def _allocated(found: FieldErrors, allocated: Object, container: Object | None, path: str) -> None:
    """`container` is None if the pod has none of that name."""
    name = allocated.get("name") or ""
    if container is not None and name not in _asked_for(container, name):
        found.invalid(f"{path}.name", name, _NO_CLAIM if name.startswith(_CLAIM) else _NO_REQUEST)
    seen: set[str] = set()
    for index, resource in enumerate(allocated.get("resources") or ()):
        own, identity = f"{path}.resources[{index}]", resource.get("resourceID") or ""
        if resource.get("health") not in _HEALTH:
            found.not_supported(f"{own}.health", resource.get("health") or "", _HEALTH)
        message = resource.get("message")
        if message is not None and not message:
            found.required(f"{own}.message", "must be non-empty if specified")
        elif message is not None and len(message.encode()) > _MESSAGE_MAX:
            found.too_long(f"{own}.message", _MESSAGE_MAX)
        if identity in seen:
            found.duplicate(f"{own}.resourceID", identity)
        seen.add(identity)


def _asked_for(container: Object, name: str) -> set[str]:
    resources = container.get("resources") or {}
    if not name.startswith(_CLAIM):
        return set(resources.get("requests") or ())
    claims = [(claim.get("name") or "", claim.get("request")) for claim in resources.get("claims") or ()]
    return {f"{_CLAIM}{claim}/{request}" if request else f"{_CLAIM}{claim}" for claim, request in claims}
