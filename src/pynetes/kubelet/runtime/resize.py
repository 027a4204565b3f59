"""Which running containers get other resources, and whether they must restart for it. Pure."""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from pynetes.apimachinery import quantity

_COMPARED = (("limits", "cpu"), ("requests", "cpu"), ("limits", "memory"), ("requests", "memory"))


class Update(Struct, frozen=True):
    """New resources for a running container. `shrinks`: some of them become less."""

    name: str
    container_id: str
    resources: Mapping[str, Any]
    shrinks: bool
    memory_limit: int | None = None
    """The new limit in bytes where it becomes lower."""


def _value(resources: Mapping[str, Any], kind: str, name: str) -> int:
    text = (resources.get(kind) or {}).get(name)
    if text is None:
        return 0
    parsed = quantity.parse(text)
    return parsed.milli_value() if name == "cpu" else parsed.value()


def differences(actuated: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[tuple[str, str], tuple[int, int]]:
    """(kind, resource) → (old, new) of CPU (in thousandths) and memory (in bytes)."""
    pairs = {key: (_value(actuated, *key), _value(wanted, *key)) for key in _COMPARED}
    return {key: (old, new) for key, (old, new) in pairs.items() if old != new}


def how(container: Mapping[str, Any], actuated: Mapping[str, Any] | None) -> Literal["", "update", "restart"]:
    """What the container's resizePolicy makes of the difference."""
    if actuated is None:
        return ""
    changed = {name for _, name in differences(actuated, container.get("resources") or {})}
    if not changed:
        return ""
    for policy in container.get("resizePolicy") or ():
        if policy["resourceName"] in changed and policy.get("restartPolicy") == "RestartContainer":
            return "restart"
    return "update"


def update(container: Mapping[str, Any], container_id: str, actuated: Mapping[str, Any]) -> Update:
    wanted = container.get("resources") or {}
    found = differences(actuated, wanted)
    old, new = found.get(("limits", "memory"), (0, 0))
    lower = new if new and (old == 0 or new < old) else None
    return Update(container["name"], container_id, wanted, any(new < old for old, new in found.values()), lower)
