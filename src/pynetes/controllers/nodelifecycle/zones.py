"""Zones: when many nodes of one are down at once, the fault is likely elsewhere, and evicting would only hurt."""

from enum import Enum
from typing import Any

from pynetes.apimachinery import meta
from pynetes.component import clock

Object = dict[str, Any]

_REGION = ("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region")
_ZONE = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")


class ZoneState(Enum):
    NORMAL = "Normal"
    PARTIAL_DISRUPTION = "PartialDisruption"
    FULL_DISRUPTION = "FullDisruption"


def zone_of(node: Object) -> str:
    """Region and zone in one; nodes without labels share a zone."""
    labels = meta.labels(node)
    region = next((labels[key] for key in _REGION if key in labels), "")
    zone = next((labels[key] for key in _ZONE if key in labels), "")
    return f"{region}:\0:{zone}" if region or zone else ""


def state_of(ready: int, not_ready: int, threshold: float) -> ZoneState:
    """`threshold` is the share of nodes that must be down (three at least) for a disruption."""
    if not ready and not_ready:
        return ZoneState.FULL_DISRUPTION
    if not_ready > 2 and not_ready / (ready + not_ready) >= threshold:
        return ZoneState.PARTIAL_DISRUPTION
    return ZoneState.NORMAL


def eviction_rate(state: ZoneState, size: int, normal: float, secondary: float, large: int) -> float:
    """Nodes a second to taint in a zone."""
    if state is ZoneState.PARTIAL_DISRUPTION:
        return secondary if size > large else 0.0
    return normal


class TaintQueue:
    """The unhealthy nodes of one zone, let through one by one at a rate; the first at once."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._waiting: dict[str, None] = {}
        self._done: set[str] = set()
        self._next_at = 0.0

    def set_rate(self, rate: float) -> None:
        """Nodes a second; 0 lets none through."""
        if rate != self._rate:
            self._rate = rate
            self._next_at = clock.monotonic()

    def add(self, node: str) -> None:
        """Queues a node, unless it went through before and was not removed since."""
        if node not in self._done:
            self._waiting[node] = None

    def remove(self, node: str) -> None:
        self._waiting.pop(node, None)
        self._done.discard(node)

    def take(self) -> str | None:
        """The next node, if one may go now."""
        if not self._waiting or self._rate <= 0 or clock.monotonic() < self._next_at:
            return None
        node = next(iter(self._waiting))
        del self._waiting[node]
        self._done.add(node)
        self._next_at = clock.monotonic() + 1 / self._rate
        return node

    def give_back(self, node: str) -> None:
        """The node could not be tainted: it is next again."""
        self._done.discard(node)
        self._waiting = {node: None, **self._waiting}
        self._next_at = clock.monotonic()
