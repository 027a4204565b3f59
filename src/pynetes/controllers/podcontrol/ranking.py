"""Which pods to delete first when there are too many: the eight rules of upstream's ActivePodsWithRanks.

Unassigned first, then pending before unknown before running, not ready, low deletion cost, doubled up on a node, ready
for a shorter time, more restarts, younger. Ages are compared by their power of two only, so that among equals chance
(the uid) decides and failures do not correlate with age.
"""

import math
from collections import Counter
from datetime import datetime
from functools import cmp_to_key
from typing import Any

from pynetes.apimachinery import meta, times
from pynetes.controllers.podcontrol import state

Object = dict[str, Any]

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


def deletion_cost(pod: Object) -> int:
    """The annotated cost; 0 for what is no int32 in plain form."""
    text = meta.annotations(pod).get(DELETION_COST, "0")
    try:
        value = int(text)
    except ValueError:
        return 0
    if str(value) != text or not -(2**31) <= value < 2**31:
        return 0
    return value


def choose(pods: list[Object], related: list[Object], count: int, now: datetime) -> list[Object]:
    """The `count` of `pods` to delete; `related` are the pods that they are spread with (same owner's owner)."""
    if count >= len(pods):
        return pods
    on_node = Counter(state.node_name(pod) for pod in related if state.is_active(pod))

    def compare(a: Object, b: Object) -> int:
        return _compare(a, b, on_node[state.node_name(a)], on_node[state.node_name(b)], now)

    return sorted(pods, key=cmp_to_key(compare))[:count]


def _compare(a: Object, b: Object, neighbours_a: int, neighbours_b: int, now: datetime) -> int:
    """Negative if `a` goes first."""
    plain = (
        _order(bool(state.node_name(a)), bool(state.node_name(b))),
        _order(_PHASES.get(state.phase(a), 0), _PHASES.get(state.phase(b), 0)),
        _order(state.is_ready(a), state.is_ready(b)),
        _order(deletion_cost(a), deletion_cost(b)),
        _order(neighbours_b, neighbours_a),
    )
    for outcome in plain:
        if outcome:
            return outcome
    if state.is_ready(a):
        outcome = _younger(a, b, state.ready_time(a), state.ready_time(b), now)
        if outcome:
            return outcome
    outcome = _order(state.max_restarts(b), state.max_restarts(a))
    if outcome:
        return outcome
    return _younger(a, b, meta.creation_time(a), meta.creation_time(b), now)


def _order(a: Any, b: Any) -> int:
    return int(a > b) - int(a < b)


def _younger(a: Object, b: Object, since_a: str, since_b: str, now: datetime) -> int:
    """The later time first, an unknown time before all; within one power of two, the smaller uid."""
    if since_a == since_b:
        return 0
    if not since_a or not since_b:
        return _order(bool(since_a), bool(since_b))
    return _order(_age_rank(since_a, now), _age_rank(since_b, now)) or _order(meta.uid(a), meta.uid(b))


def _age_rank(since: str, now: datetime) -> int:
    nanoseconds = (now - times.parse_time(since)).total_seconds() * 1e9
    return int(math.log2(nanoseconds)) if nanoseconds > 0 else -1
