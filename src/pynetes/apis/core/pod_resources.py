"""What a pod as a whole asks for: its containers' requests and limits summed up, upstream's way.

Ordinary containers run together, init containers one after another, sidecars (init containers that restart) from
their place in the order until the end: so the sum is max(ordinary + sidecars, for each init container: it and the
sidecars before it), plus the overhead of the runtime class.
"""

from collections.abc import Mapping
from typing import Any

from pynetes.apimachinery.quantity import Quantity, parse
from pynetes.apis.strategy import Object

Amounts = dict[str, Quantity]
_POD_LEVEL = ("cpu", "memory")


def amounts(resources: Object | None) -> Amounts:
    return {name: parse(value) for name, value in (resources or {}).items()}


def _add(total: Amounts, more: Amounts) -> None:
    for name, amount in more.items():
        total[name] = total[name] + amount if name in total else amount


def _raise_to(total: Amounts, other: Amounts) -> None:
    for name, amount in other.items():
        if name not in total or amount > total[name]:
            total[name] = amount


def _of(container: Object, field: str) -> Amounts:
    return amounts((container.get("resources") or {}).get(field))


def aggregate_containers(spec: Object, field: str = "requests", status: Object | None = None) -> Amounts:
    """The containers' `requests` or `limits`, without overhead and pod-level resources.

    With `status`, those of a container that is being resized are the most of what is asked for, granted and in force.
    """
    told = _told(status or {})
    total: Amounts = {}
    for container in spec.get("containers") or ():
        _add(total, _held(container, field, told, status))
    sidecars: Amounts = {}
    start_up: Amounts = {}
    for container in spec.get("initContainers") or ():
        own = _of(container, field)
        if container.get("restartPolicy") == "Always":
            own = _held(container, field, told, status)
            _add(total, own)
            _add(sidecars, own)
            own = dict(sidecars)
        else:
            own = dict(own)
            _add(own, sidecars)
        _raise_to(start_up, own)
    _raise_to(total, start_up)
    return total


def _told(status: Object) -> dict[str, Object]:
    """By container what its node tells of it, if that is its resources."""
    told = (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ()))
    return {each["name"]: each for each in told if each.get("resources") is not None}


def is_resize_infeasible(status: Mapping[str, Any]) -> bool:
    """Whether the node has refused the resize that the spec asks for."""
    pending = [c for c in status.get("conditions") or () if c.get("type") == "PodResizePending"]
    return bool(pending) and pending[0].get("reason") == "Infeasible"


def _held(container: Object, field: str, told: dict[str, Object], status: Object | None) -> Amounts:
    own, tells = _of(container, field), told.get(container.get("name") or "")
    if tells is None or status is None:
        return own
    most = {} if is_resize_infeasible(status) else dict(own)
    _raise_to(most, amounts(tells["resources"].get(field)))
    if field == "requests":
        _raise_to(most, amounts(tells.get("allocatedResources")))
    return most


def is_pod_level(name: str) -> bool:
    """Resources that may be stated for a pod as a whole."""
    return name in _POD_LEVEL or name.startswith("hugepages-")


def pod_requests(pod: Object, *, held: bool = False) -> Amounts:
    """What a pod asks for, or with `held` holds: pod-level requests take precedence, overhead is added."""
    spec = pod["spec"]
    total = aggregate_containers(spec, status=pod.get("status") if held else None)
    for name, amount in amounts((spec.get("resources") or {}).get("requests")).items():
        if is_pod_level(name):
            total[name] = amount
    _add(total, amounts(spec.get("overhead")))
    return total


def pod_limits(pod: Object, *, held: bool = False) -> Amounts:
    spec = pod["spec"]
    total = aggregate_containers(spec, "limits", pod.get("status") if held else None)
    for name, amount in amounts((spec.get("resources") or {}).get("limits")).items():
        if is_pod_level(name):
            total[name] = amount
    # Overhead is added only where there is a limit: it must not create one.
    for name, amount in amounts(spec.get("overhead")).items():
        if name in total:
            total[name] = total[name] + amount
    return total


def default_pod_level(spec: Object) -> None:
    """Completes pod-level resources that are stated in part (KEP-2837)."""
    resources = spec["resources"]
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    if limits or requests:
        for name, amount in aggregate_containers(spec, "limits").items():
            if name.startswith("hugepages-") and name not in requests and name not in limits:
                limits[name] = str(amount)
    if limits:
        for name, amount in aggregate_containers(spec).items():
            # Huge pages cannot be overcommitted: their requests follow the limits.
            if name in _POD_LEVEL:
                requests.setdefault(name, str(amount))
        for name, value in limits.items():
            if is_pod_level(name):
                requests.setdefault(name, value)
        resources["limits"] = limits
    if requests:
        resources["requests"] = requests
