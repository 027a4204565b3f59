"""One scheduling decision: a pure function from (snapshot, pod, profile) to a node or the reasons why there is none."""

import random
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from pynetes.scheduler.framework import Profile
from pynetes.scheduler.podinfo import PodInfo
from pynetes.scheduler.snapshot import Floats, Ints, Mask, Snapshot

NO_VICTIMS = "No preemption victims found for incoming pod"


@dataclass(slots=True)
class Diagnosis:
    """Why nodes were refused: how many for which reason, by which plugins, and where eviction could help."""

    reasons: Counter[str] = field(default_factory=Counter)
    plugins: set[str] = field(default_factory=set)
    resolvable: Mask | None = None
    preemption: str = ""

    def message(self, nodes: int) -> str:
        """Upstream's text: `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable. …`."""
        if not nodes:
            return "no nodes available to schedule pods"
        text = ", ".join(sorted(f"{count} {reason}" for reason, count in self.reasons.items()))
        text = f"0/{nodes} nodes are available: {text}."
        return f"{text} {self.preemption}" if self.preemption else text


@dataclass(frozen=True, slots=True)
class Decision:
    """`node` is None if no node fits; then `diagnosis` says why."""

    node: str | None
    diagnosis: Diagnosis
    feasible: int = 0


def feasible_nodes(
    snapshot: Snapshot, pod: PodInfo, profile: Profile, within: Mask | None = None
) -> tuple[Mask, Diagnosis]:
    """The nodes that can run the pod. A node's reasons are those of the first plugin that refuses it."""
    diagnosis = Diagnosis()
    candidates = snapshot.mask(True) if within is None else within.copy()
    unresolvable = snapshot.mask(False)
    for plugin in profile.filters:
        rejections = plugin.filter(pod, snapshot, candidates)
        if not rejections:
            continue
        refused = snapshot.mask(False)
        for rejection in rejections:
            rows = rejection.rows & candidates
            number = int(np.count_nonzero(rows))
            if number:
                diagnosis.reasons[rejection.reason] += number
                diagnosis.plugins.add(plugin.name)
                refused |= rows
                if not rejection.resolvable:
                    unresolvable |= rows
        candidates &= ~refused
        if not candidates.any():
            break
    diagnosis.resolvable = ~candidates & ~unresolvable
    return candidates, diagnosis


def scores(snapshot: Snapshot, pod: PodInfo, profile: Profile, rows: Ints) -> Floats:
    """The weighted sum of all plugins' scores for the nodes at `rows`."""
    total = np.zeros(len(rows), np.float64)
    for plugin, weight in profile.scorers:
        score = plugin.score(pod, snapshot, rows)
        if score is not None:
            total += weight * np.floor(score)
    return total


def schedule(snapshot: Snapshot, pod: PodInfo, profile: Profile, choose: random.Random) -> Decision:
    """The best node, one of the best by chance if there are several."""
    feasible, diagnosis = feasible_nodes(snapshot, pod, profile)
    rows = np.flatnonzero(feasible)
    if not len(rows):
        return Decision(None, diagnosis)
    nominated = snapshot.row_of.get(pod.nominated_node, -1)
    if nominated >= 0 and feasible[nominated]:
        return Decision(pod.nominated_node, diagnosis, len(rows))
    if len(rows) == 1:
        return Decision(snapshot.names[rows[0]], diagnosis, 1)
    total = scores(snapshot, pod, profile, rows)
    best = rows[total == total.max()]
    return Decision(snapshot.names[best[choose.randrange(len(best))]], diagnosis, len(rows))
