"""What a pod asks for and may use in sum, and the QoS class that follows from it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from pynetes.apimachinery import quantity
from pynetes.apimachinery.quantity import Quantity

Resources = dict[str, Quantity]
Kind = Literal["requests", "limits"]
QOSClass = Literal["Guaranteed", "Burstable", "BestEffort"]

_ZERO = quantity.parse(0)


def parse(values: Mapping[str, Any] | None) -> Resources:
    return {name: quantity.parse(value) for name, value in (values or {}).items()}


def container(spec: Mapping[str, Any], kind: Kind) -> Resources:
    return parse((spec.get("resources") or {}).get(kind))


def _add(total: Resources, more: Mapping[str, Quantity]) -> None:
    for name, value in more.items():
        total[name] = total[name] + value if name in total else value


def _maximum(total: Resources, other: Mapping[str, Quantity]) -> None:
    for name, value in other.items():
        if name not in total or total[name] < value:
            total[name] = value


def _is_sidecar(spec: Mapping[str, Any]) -> bool:
    return spec.get("restartPolicy") == "Always"


def _effective(pod: Mapping[str, Any], kind: Kind, pick: Callable[[Mapping[str, Any], Kind], Resources]) -> Resources:
    """Containers and sidecars together, or the neediest init container with the sidecars before it."""
    total: Resources = {}
    for spec in pod["spec"].get("containers") or ():
        _add(total, pick(spec, kind))
    sidecars: Resources = {}
    neediest: Resources = {}
    for spec in pod["spec"].get("initContainers") or ():
        own = pick(spec, kind)
        if _is_sidecar(spec):
            _add(total, own)
            _add(sidecars, own)
            _maximum(neediest, sidecars)
        else:
            _add(own, sidecars)
            _maximum(neediest, own)
    _maximum(total, neediest)
    return total


def _pod_level(pod: Mapping[str, Any], kind: Kind) -> Resources:
    values = parse((pod["spec"].get("resources") or {}).get(kind))
    return {name: v for name, v in values.items() if name in ("cpu", "memory") or name.startswith("hugepages-")}


def requests(pod: Mapping[str, Any]) -> Resources:
    """With overhead."""
    total = _effective(pod, "requests", container)
    total.update(_pod_level(pod, "requests"))
    _add(total, parse(pod["spec"].get("overhead")))
    return total


def limits(pod: Mapping[str, Any]) -> Resources:
    """With overhead, on resources that have a limit."""
    total = _effective(pod, "limits", container)
    total.update(_pod_level(pod, "limits"))
    for name, value in parse(pod["spec"].get("overhead")).items():
        if name in total and total[name] > _ZERO:
            total[name] = total[name] + value
    return total


def limited(pod: Mapping[str, Any], resource: str) -> bool:
    """Whether the pod as a whole is bounded: every container has a limit, or the pod has one itself."""
    if _pod_level(pod, "limits").get(resource, _ZERO) > _ZERO:
        return True
    specs = [*(pod["spec"].get("containers") or ()), *(pod["spec"].get("initContainers") or ())]
    return all(container(spec, "limits").get(resource, _ZERO) > _ZERO for spec in specs)


def _positive(values: Mapping[str, Quantity]) -> Resources:
    return {name: v for name, v in values.items() if name in ("cpu", "memory") and v > _ZERO}


def _sums(specs: Iterable[Mapping[str, Any]]) -> tuple[Resources, Resources, bool]:
    asked: Resources = {}
    allowed: Resources = {}
    all_limited = True
    for spec in specs:
        _add(asked, _positive(container(spec, "requests")))
        own = _positive(container(spec, "limits"))
        _add(allowed, own)
        all_limited = all_limited and own.keys() >= {"cpu", "memory"}
    return asked, allowed, all_limited


def qos_class(pod: Mapping[str, Any]) -> QOSClass:
    """The class in the pod's status if it has one (it never changes), else computed."""
    known = (pod.get("status") or {}).get("qosClass")
    if known in ("Guaranteed", "Burstable", "BestEffort"):
        return known  # type: ignore[no-any-return]
    spec = pod["spec"]
    specs = [spec] if spec.get("resources") else [*spec.get("containers", ()), *(spec.get("initContainers") or ())]
    asked, allowed, all_limited = _sums(specs)
    if not asked and not allowed:
        return "BestEffort"
    if all_limited and len(asked) == len(allowed) and all(asked.get(n) == v for n, v in allowed.items()):
        return "Guaranteed"
    return "Burstable"
