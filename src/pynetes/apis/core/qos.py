"""The quality of service class of a pod."""

import orjson

from pynetes.apimachinery import json_writer
from pynetes.apimachinery.quantity import Quantity
from pynetes.apis.core.pod_resources import Amounts, amounts
from pynetes.apis.strategy import Object
from pynetes.component.memo import remembered

GUARANTEED = "Guaranteed"
BURSTABLE = "Burstable"
BEST_EFFORT = "BestEffort"
_COUNTED = ("cpu", "memory")


def qos_class(pod: Object) -> str:
    """The class that was settled at creation, or the one that the spec leads to."""
    settled = (pod.get("status") or {}).get("qosClass")
    return str(settled) if settled else compute_qos_class(pod)


def compute_qos_class(pod: Object) -> str:
    """Guaranteed: every container limits CPU and memory and requests just that. BestEffort: none says anything."""
    spec = pod["spec"]
    pod_level = spec.get("resources")
    if pod_level is not None:
        bearers = [pod_level]
    else:
        bearers = [
            c.get("resources") or {} for field in ("containers", "initContainers") for c in spec.get(field) or ()
        ]
    return _class_of(json_writer.encode(bearers))


@remembered(1024)
def _class_of(text: bytes) -> str:
    """By the resources of all who may have some, as JSON: pods of one template have the same."""
    bearers: list[Object] = orjson.loads(text)
    requests: Amounts = {}
    limits: Amounts = {}
    guaranteed = True
    for resources in bearers:
        _add(requests, resources.get("requests"))
        own = _add(limits, resources.get("limits"))
        guaranteed = guaranteed and own == len(_COUNTED)
    if not requests and not limits:
        return BEST_EFFORT
    if guaranteed and requests == {k: v for k, v in limits.items() if k in requests} and len(requests) == len(limits):
        return GUARANTEED
    return BURSTABLE


def _add(total: dict[str, Quantity], resources: Object | None) -> int:
    """Adds positive CPU and memory; returns how many of the two there were."""
    found = 0
    for name, amount in amounts(resources).items():
        if name in _COUNTED and amount.milli_value() > 0:
            total[name] = total[name] + amount if name in total else amount
            found += 1
    return found
