"""Places pods near to or far from other pods, by the topology of the nodes those run on."""

from collections.abc import Iterable, Sequence

import numpy as np

from pynetes.scheduler.framework import MAX_NODE_SCORE, ClusterEvent, Rejection
from pynetes.scheduler.podgroups import together
from pynetes.scheduler.podinfo import AffinityTerm, PodInfo
from pynetes.scheduler.snapshot import ABSENT, Floats, Ints, Mask, Snapshot

#: What a required affinity of an existing pod counts when nodes are scored.
_HARD_AFFINITY_WEIGHT = 1


class InterPodAffinity:
    name = "InterPodAffinity"
    resolved_by = frozenset(
        (
            ClusterEvent.NODE_ADD,
            ClusterEvent.NODE_LABEL,
            ClusterEvent.POD_ADD,
            ClusterEvent.POD_UPDATE,
            ClusterEvent.POD_DELETE,
            ClusterEvent.NAMESPACE,
        )
    )

    def filter(self, pod: PodInfo, nodes: Snapshot, candidates: Mask) -> Sequence[Rejection]:
        rejections = []
        if pod.affinity:
            reason = "node(s) didn't match pod affinity rules"
            rejections.append(Rejection(~_near_all(pod, nodes), reason, resolvable=False))
        if pod.anti_affinity:
            far = nodes.mask(False)
            for term in pod.anti_affinity:
                far |= _in_domains(nodes, term, _matching(nodes, term)[0])
            rejections.append(Rejection(far, "node(s) didn't match pod anti-affinity rules"))
        if nodes.groups_with_affinity:
            kept = _kept_away(pod, nodes)
            rejections.append(Rejection(kept, "node(s) didn't satisfy existing pods anti-affinity rules"))
        return rejections

    def score(self, pod: PodInfo, nodes: Snapshot, candidates: Ints) -> Floats | None:
        if not (pod.preferred_affinity or pod.preferred_anti_affinity or nodes.groups_with_affinity):
            return None
        total = np.zeros(nodes.count, np.float64)
        for terms, sign in ((pod.preferred_affinity, 1), (pod.preferred_anti_affinity, -1)):
            for term in terms:
                rows, counts = _matching(nodes, term)
                total += _per_domain(nodes, term, rows, sign * term.weight * counts)
        for group in nodes.groups_with_affinity.values():
            other = group.pod
            for terms, weight in (
                (other.affinity, _HARD_AFFINITY_WEIGHT),
                (other.preferred_affinity, 1),
                (other.preferred_anti_affinity, -1),
            ):
                for term in terms:
                    if term.matches(pod, nodes.namespace_labels):
                        total += _per_domain(nodes, term, group.rows, weight * (term.weight or 1) * group.counts)
        chosen = total[candidates]
        least, most = chosen.min(initial=0), chosen.max(initial=0)
        if most == least:
            return None
        score: Floats = np.floor(MAX_NODE_SCORE * (chosen - least) / (most - least))
        return score


def _matching(nodes: Snapshot, term: AffinityTerm) -> tuple[Ints, Ints]:
    """Where the pods run that a term speaks of: rows of nodes, and how many on each."""
    namespaces: Iterable[str] = term.namespaces if term.namespace_selector is None else nodes.groups
    return together(
        group
        for namespace in namespaces
        for group in nodes.groups.get(namespace, {}).values()
        if not group.pod.is_deleting and term.matches(group.pod, nodes.namespace_labels)
    )


def _per_domain(nodes: Snapshot, term: AffinityTerm, rows: Ints, values: Ints) -> Ints:
    """For each node the sum of the values at rows in its topology domain."""
    column = nodes.labels.get(term.topology_key)
    if column is None:
        return np.zeros(nodes.count, np.int64)
    table = np.zeros(len(column.values) + 1, np.int64)
    np.add.at(table, column.codes[rows], values)
    table[ABSENT] = 0
    return table[column.codes[: nodes.count]]


def _in_domains(nodes: Snapshot, term: AffinityTerm, rows: Ints) -> Mask:
    """The nodes in the same topology domains as these rows."""
    column = nodes.labels.get(term.topology_key)
    if column is None or not len(rows):
        return nodes.mask(False)
    table = np.zeros(len(column.values) + 1, np.bool_)
    table[column.codes[rows]] = True
    table[ABSENT] = False
    return table[column.codes[: nodes.count]]


def _near_all(pod: PodInfo, nodes: Snapshot) -> Mask:
    """Nodes in whose domains all terms find a pod; if no term finds any pod at all, those it may be the first on."""
    found = [_matching(nodes, term)[0] for term in pod.affinity]
    near = nodes.mask(True)
    if not any(len(rows) for rows in found) and all(term.matches(pod, nodes.namespace_labels) for term in pod.affinity):
        for term in pod.affinity:
            near &= nodes.has_label(term.topology_key)
        return near
    for term, rows in zip(pod.affinity, found, strict=True):
        near &= _in_domains(nodes, term, rows)
    return near


def _kept_away(pod: PodInfo, nodes: Snapshot) -> Mask:
    """Nodes in the domains of pods whose own anti-affinity refuses this pod."""
    kept = nodes.mask(False)
    for group in nodes.groups_with_affinity.values():
        for term in group.pod.anti_affinity:
            if term.matches(pod, nodes.namespace_labels):
                kept |= _in_domains(nodes, term, group.rows)
    return kept
