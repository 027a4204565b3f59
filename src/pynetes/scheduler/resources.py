"""What a pod asks of a node, as integers: milli-CPUs, bytes, counts."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from pynetes.apimachinery import quantity
from pynetes.apis.core.pod_resources import is_resize_infeasible

CPU, MEMORY, EPHEMERAL_STORAGE, PODS = "cpu", "memory", "ephemeral-storage", "pods"

#: What a container without requests counts as when nodes are compared (never when they are filtered).
DEFAULT_CPU, DEFAULT_MEMORY = 100, 200 * 1024 * 1024

Amounts = dict[str, int]


@lru_cache(maxsize=4096)
def amount(resource: str, text: str | int | float) -> int:
    """`500m` of cpu → 500; `1Gi` of anything else → its value."""
    parsed = quantity.parse(text)
    return parsed.milli_value() if resource == CPU else parsed.value()


def amounts(quantities: Mapping[str, Any] | None) -> Amounts:
    return {name: amount(name, text) for name, text in (quantities or {}).items()}


def pod_requests(pod: Mapping[str, Any], *, nonzero: bool = False) -> Amounts:
    """The pod's requests: containers together, or the largest moment of its start if that is more.

    Sidecars (init containers that restart always) run beside everything that starts after them. Requests at pod level
    replace the sum; overhead comes on top. `nonzero` counts defaults for containers that request nothing. While a
    resize is under way, the most counts that is asked for, granted or in force.
    """
    spec, status = pod["spec"], pod.get("status") or {}
    held = _held(status)
    running: Amounts = {}
    for container in spec.get("containers", ()):
        _add(running, _requests(container, nonzero, held))
    sidecars: Amounts = {}
    peak: Amounts = {}
    for container in spec.get("initContainers", ()):
        if container.get("restartPolicy") == "Always":
            _add(sidecars, _requests(container, nonzero, held))
            _raise(peak, sidecars)
        else:
            _raise(peak, _sum(sidecars, _requests(container, nonzero)))
    total = _sum(running, sidecars)
    _raise(total, peak)
    whole = amounts((spec.get("resources") or {}).get("requests"))
    if whole and status.get("resources"):
        counted = _most(whole, status, infeasible=is_resize_infeasible(status))
        whole = {name: counted.get(name, value) for name, value in whole.items()}
    total |= whole
    _add(total, amounts(spec.get("overhead")))
    return total


#: By container what its node tells of it, and whether the node can never grant what the spec asks for.
_Held = tuple[Mapping[str, Mapping[str, Any]], bool]


def _held(status: Mapping[str, Any]) -> _Held:
    """Of containers whose resources the node tells."""
    told = (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ()))
    found = {each["name"]: each for each in told if each.get("resources") is not None}
    return found, bool(found) and is_resize_infeasible(status)


def _most(asked: Amounts, told: Mapping[str, Any], *, infeasible: bool) -> Amounts:
    """Of what is asked for, in force and granted, the most of each resource; a refused wish does not count."""
    most: Amounts = {} if infeasible else dict(asked)
    _raise(most, amounts(told["resources"].get("requests")))
    _raise(most, amounts(told.get("allocatedResources")))
    return most


def _requests(container: Mapping[str, Any], nonzero: bool, held: _Held = ({}, False)) -> Amounts:
    requests = amounts((container.get("resources") or {}).get("requests"))
    told = held[0].get(container["name"]) if held[0] else None
    if told is not None:
        requests = _most(requests, told, infeasible=held[1])
    if nonzero:
        requests.setdefault(CPU, DEFAULT_CPU)
        requests.setdefault(MEMORY, DEFAULT_MEMORY)
    return requests


def _add(total: Amounts, more: Mapping[str, int]) -> None:
    for name, value in more.items():
        total[name] = total.get(name, 0) + value


def _raise(total: Amounts, to: Mapping[str, int]) -> None:
    for name, value in to.items():
        total[name] = max(total.get(name, 0), value)


def _sum(*parts: Mapping[str, int]) -> Amounts:
    total: Amounts = {}
    for part in parts:
        _add(total, part)
    return total


def host_ports(pod: Mapping[str, Any]) -> Iterable[tuple[str, int, str]]:
    """(protocol, port, address) that the pod takes on its node."""
    spec = pod["spec"]
    for container in (*spec.get("containers", ()), *_sidecars(spec)):
        for port in container.get("ports", ()):
            number = port.get("hostPort") or (port.get("containerPort") if spec.get("hostNetwork") else 0)
            if number:
                yield port.get("protocol", "TCP"), number, port.get("hostIP") or "0.0.0.0"


def _sidecars(spec: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    return (c for c in spec.get("initContainers", ()) if c.get("restartPolicy") == "Always")
