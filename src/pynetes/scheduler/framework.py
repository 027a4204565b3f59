"""The extension points of a scheduling cycle, and what plugins return.

A plugin is a class with a `name` and any of these methods. Each is called once a cycle, for all nodes together:

    gate(pod) -> str                                 why the pod may not enter the queue yet; empty if it may
    filter(pod, nodes, candidates) -> [Rejection]    which of the candidates cannot run the pod, and why
    score(pod, nodes, candidates) -> scores          0 to 100 for each candidate row, more is better; None: no opinion
    resolved_by                                      the cluster events after which a pod it rejected may fit
"""

from collections.abc import Sequence
from enum import StrEnum
from functools import cached_property
from typing import Protocol, runtime_checkable

from msgspec import Struct

from pynetes.scheduler.podinfo import PodInfo
from pynetes.scheduler.snapshot import Floats, Ints, Mask, Snapshot

MAX_NODE_SCORE = 100


class ClusterEvent(StrEnum):
    """What may make an unschedulable pod schedulable."""

    NODE_ADD = "NodeAdd"
    NODE_ALLOCATABLE = "NodeUpdateAllocatable"
    NODE_LABEL = "NodeUpdateLabel"
    NODE_TAINT = "NodeUpdateTaint"
    NODE_DECLARED_FEATURE = "NodeUpdateNodeDeclaredFeature"
    POD_ADD = "AssignedPodAdd"
    POD_UPDATE = "AssignedPodUpdate"
    POD_DELETE = "AssignedPodDelete"
    NAMESPACE = "NamespaceLabel"


class Rejection(Struct, frozen=True):
    """`rows`: the nodes refused, for `reason`. `resolvable`: evicting pods from them could help."""

    rows: Mask
    reason: str
    resolvable: bool = True


class Plugin(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def resolved_by(self) -> frozenset[ClusterEvent]: ...


@runtime_checkable
class GatePlugin(Protocol):
    def gate(self, pod: PodInfo) -> str: ...


@runtime_checkable
class FilterPlugin(Plugin, Protocol):
    def filter(self, pod: PodInfo, nodes: Snapshot, candidates: Mask) -> Sequence[Rejection]: ...


@runtime_checkable
class ScorePlugin(Plugin, Protocol):
    def score(self, pod: PodInfo, nodes: Snapshot, candidates: Ints) -> Floats | None: ...


class Profile(Struct, frozen=True, dict=True):
    """The plugins behind one `schedulerName`, in the order they run; weights of those that score."""

    scheduler_name: str
    plugins: Sequence[Plugin]
    weights: dict[str, int] = {}
    preempts: bool = True

    # sorted once: looking at a protocol costs more than a plugin
    @cached_property
    def filters(self) -> Sequence[FilterPlugin]:
        return [plugin for plugin in self.plugins if isinstance(plugin, FilterPlugin)]

    @cached_property
    def scorers(self) -> Sequence[tuple[ScorePlugin, int]]:
        found = self.plugins
        return [(plugin, self.weights.get(plugin.name, 1)) for plugin in found if isinstance(plugin, ScorePlugin)]

    @cached_property
    def gates(self) -> Sequence[GatePlugin]:
        return [plugin for plugin in self.plugins if isinstance(plugin, GatePlugin)]
