"""Refuses nodes whose labels a pod's selector or required affinity does not match; scores preferred affinity."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pynetes.scheduler.framework import MAX_NODE_SCORE, ClusterEvent, Rejection
from pynetes.scheduler.podinfo import PodInfo
from pynetes.scheduler.snapshot import ABSENT, Floats, Ints, Mask, Snapshot


class NodeAffinity:
    name = "NodeAffinity"
    resolved_by = frozenset((ClusterEvent.NODE_ADD, ClusterEvent.NODE_LABEL))

    def filter(self, pod: PodInfo, nodes: Snapshot, candidates: Mask) -> Sequence[Rejection]:
        matching = required(pod, nodes)
        if matching is None:
            return ()
        return (Rejection(~matching, "node(s) didn't match Pod's node affinity/selector", resolvable=False),)

    def score(self, pod: PodInfo, nodes: Snapshot, candidates: Ints) -> Floats | None:
        preferred = _affinity(pod).get("preferredDuringSchedulingIgnoredDuringExecution") or ()
        if not preferred:
            return None
        total = np.zeros(len(candidates), np.float64)
        for entry in preferred:
            total += entry["weight"] * matches_term(entry["preference"], nodes)[candidates]
        best = total.max(initial=0)
        return MAX_NODE_SCORE * total / best if best else total


def required(pod: PodInfo, nodes: Snapshot) -> Mask | None:
    """Nodes that the pod's nodeSelector and required node affinity allow; None if it has neither."""
    selector: Mapping[str, str] = pod.spec.get("nodeSelector") or {}
    affinity = _affinity(pod).get("requiredDuringSchedulingIgnoredDuringExecution")
    if not selector and affinity is None:
        return None
    allowed = nodes.mask(True)
    for key, value in selector.items():
        allowed &= _in(nodes, key, (value,))
    if affinity is not None:
        terms = affinity.get("nodeSelectorTerms") or ()
        any_term = nodes.mask(False)
        for term in terms:
            any_term |= matches_term(term, nodes)
        allowed &= any_term
    return allowed


def matches_term(term: Mapping[str, Any], nodes: Snapshot) -> Mask:
    """All requirements of one term; an empty term matches nothing."""
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not fields:
        return nodes.mask(False)
    matching = nodes.mask(True)
    for requirement in expressions:
        matching &= _matches(requirement, nodes)
    for requirement in fields:
        matching &= _matches_name(requirement, nodes)
    return matching


def _affinity(pod: PodInfo) -> dict[str, Any]:
    return (pod.spec.get("affinity") or {}).get("nodeAffinity") or {}


def _matches(requirement: Mapping[str, Any], nodes: Snapshot) -> Mask:
    key, operator, values = requirement["key"], requirement["operator"], requirement.get("values") or ()
    match operator:
        case "In":
            return _in(nodes, key, values)
        case "NotIn":
            return ~_in(nodes, key, values)
        case "Exists":
            return nodes.has_label(key)
        case "DoesNotExist":
            return ~nodes.has_label(key)
        case "Gt" | "Lt":
            return _compared(nodes, key, operator, values)
    return nodes.mask(False)


def _in(nodes: Snapshot, key: str, values: Iterable[str]) -> Mask:
    column = nodes.labels.get(key)
    if column is None:
        return nodes.mask(False)
    wanted = set(values)
    table = column.table(value in wanted for value in column.values)
    return table[column.codes[: nodes.count]]


def _compared(nodes: Snapshot, key: str, operator: str, values: Sequence[str]) -> Mask:
    column = nodes.labels.get(key)
    if column is None or len(values) != 1:
        return nodes.mask(False)
    bound = _integer(values[0])
    if bound is None:
        return nodes.mask(False)
    numbers = [_integer(value) for value in column.values]
    chosen = [n is not None and (n > bound if operator == "Gt" else n < bound) for n in numbers]
    return column.table(chosen)[column.codes[: nodes.count]]


def _integer(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _matches_name(requirement: Mapping[str, Any], nodes: Snapshot) -> Mask:
    """`matchFields` knows one field: metadata.name."""
    if requirement["key"] != "metadata.name":
        return nodes.mask(False)
    named = nodes.mask(False)
    for name in requirement.get("values") or ():
        row = nodes.row_of.get(name, ABSENT)
        if row != ABSENT:
            named[row] = True
    return named if requirement["operator"] == "In" else ~named
