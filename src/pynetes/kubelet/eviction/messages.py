"""What an evicted pod's status and event say."""

from collections.abc import Mapping
from typing import Any

from pynetes.apimachinery import quantity
from pynetes.kubelet.eviction.thresholds import SIGNALS, Observation, Threshold
from pynetes.kubelet.node_resources import binary

Stats = Mapping[str, Any]


def _shown(resource: str, amount: int) -> str:
    return binary(amount) if resource in ("memory", "ephemeral-storage") else str(amount)


def pressure(
    resource: str,
    pod: Mapping[str, Any],
    stats: Stats | None,
    thresholds: list[Threshold],
    observed: Mapping[str, Observation],
) -> str:
    """Why a pod goes under pressure, and which containers used more than they asked for."""
    message = f"The node was low on resource: {resource}. "
    for threshold in thresholds:
        observation = observed.get(threshold.signal)
        if observation is not None and SIGNALS[threshold.signal].resource == resource:
            wanted = threshold.value.of(observation.capacity)
            message += (
                f"Threshold quantity: {_shown(resource, wanted)}, "
                f"available: {_shown(resource, observation.available)}. "
            )
            break
    return message + "".join(_overuse(resource, pod, stats))


def _overuse(resource: str, pod: Mapping[str, Any], stats: Stats | None) -> list[str]:
    specs = {c["name"]: c for key in ("containers", "initContainers") for c in pod["spec"].get(key) or ()}
    found = []
    for container in (stats or {}).get("containers") or ():
        spec, usage = specs.get(container["name"]), _usage(resource, container)
        if spec is None or usage is None:
            continue
        text = ((spec.get("resources") or {}).get("requests") or {}).get(resource) or "0"
        if usage > quantity.parse(text).value():
            found.append(
                f"Container {container['name']} was using {binary(usage)}, request is {quantity.parse(text)}, "
                f"has larger consumption of {resource}. "
            )
    return found


def _usage(resource: str, container: Stats) -> int | None:
    if resource == "memory":
        return (container.get("memory") or {}).get("workingSetBytes")
    if resource == "ephemeral-storage" and "rootfs" in container and "logs" in container:
        return int(container["rootfs"].get("usedBytes", 0) + container["logs"].get("usedBytes", 0))
    return None
