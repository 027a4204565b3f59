"""One scheduling decision: a pure function from (snapshot, pod, profile) to a node or the reasons why there is none."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from msgspec import Struct, field

from pynetes.component import clock
from pynetes.scheduler import measures
from pynetes.scheduler.framework import Profile
from pynetes.scheduler.nominator import Nominated
from pynetes.scheduler.podinfo import PodInfo
from pynetes.scheduler.snapshot import Floats, Ints, Mask, Snapshot

NO_VICTIMS = "No preemption victims found for incoming pod"


class Diagnosis(Struct):
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


class Decision(Struct, frozen=True):
    """`node` is None if no node fits; then `diagnosis` says why."""

    node: str | None
    diagnosis: Diagnosis


def feasible_nodes(
    snapshot: Snapshot,
    pod: PodInfo,
    profile: Profile,
    within: Mask | None = None,
    nominated: Sequence[Nominated] = (),
) -> tuple[Mask, Diagnosis]:
    """The nodes that can run the pod, both as they are and with the nominated pods on them."""
    feasible, diagnosis = _filtered(snapshot, pod, profile, within)
    rows = [snapshot.row_of[n.node] for n in nominated if n.node in snapshot.row_of]
    shared = snapshot.mask(False)
    shared[rows] = True
    shared &= feasible
    if not shared.any():
        return feasible, diagnosis
    with _present(snapshot, nominated):
        still, why = _filtered(snapshot, pod, profile, shared)
    diagnosis.reasons += why.reasons
    diagnosis.plugins |= why.plugins
    if diagnosis.resolvable is not None and why.resolvable is not None:
        diagnosis.resolvable |= why.resolvable & shared
    return feasible & (~shared | still), diagnosis


@contextmanager
def _present(snapshot: Snapshot, nominated: Sequence[Nominated]) -> Iterator[None]:
    """The snapshot as if the pods ran where they are nominated; as it was afterwards."""
    added = []
    for found in nominated:
        row = snapshot.row_of.get(found.node)
        if row is not None and found.pod.row < 0:
            snapshot.add_pod(found.pod, row)
            added.append(found.pod)
    try:
        yield
    finally:
        for pod in added:
            snapshot.remove_pod(pod)


def _filtered(snapshot: Snapshot, pod: PodInfo, profile: Profile, within: Mask | None) -> tuple[Mask, Diagnosis]:
    """A node's reasons are those of the first plugin that refuses it."""
    diagnosis = Diagnosis()
    candidates = snapshot.mask(True) if within is None else within.copy()
    unresolvable = snapshot.mask(False)
    for plugin in profile.filters:
        measures.evaluated(plugin.name, "Filter", profile.scheduler_name)
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
        measures.evaluated(plugin.name, "Score", profile.scheduler_name)
        score = plugin.score(pod, snapshot, rows)
        if score is not None:
            total += weight * np.floor(score)
    return total


def schedule(
    snapshot: Snapshot,
    pod: PodInfo,
    profile: Profile,
    choose: random.Random,
    nominated: Sequence[Nominated] = (),
) -> Decision:
    """The best node, one of the best by chance if there are several. `nominated` pods count as if they ran."""
    time = clock.timer()
    began = time()
    feasible, diagnosis = feasible_nodes(snapshot, pod, profile, nominated=nominated)
    rows = np.flatnonzero(feasible)
    filtered = time()
    measures.ran("Filter", profile.scheduler_name, filtered - began, "Success" if len(rows) else "Unschedulable")
    if not len(rows):
        return Decision(None, diagnosis)
    own = snapshot.row_of.get(pod.nominated_node, -1)
    if own >= 0 and feasible[own]:
        return Decision(pod.nominated_node, diagnosis)
    if len(rows) == 1:
        return Decision(snapshot.names[rows[0]], diagnosis)
    total = scores(snapshot, pod, profile, rows)
    measures.ran("Score", profile.scheduler_name, time() - filtered)
    best = rows[total == total.max()]
    return Decision(snapshot.names[best[choose.randrange(len(best))]], diagnosis)
