"""Scheduling decisions a second: filter and score all nodes, choose, assume; without API server and queue.

The anchor is a loop of plain Python over the same nodes that looks at resources alone: fits, least allocated.
"""

import random
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from bench.frame import Options, Table, median, milliseconds, percentile, progress, rate, ratio
from pynetes.scheduler.algorithm import schedule
from pynetes.scheduler.cache import Cache
from pynetes.scheduler.plugins import default_profile
from pynetes.scheduler.podinfo import pod_info

Object = dict[str, Any]

NODES = (100, 1000, 5000)
ZONE = "topology.kubernetes.io/zone"
_CPU, _MEMORY = 100, 128 << 20
_FILL = 50  # pods a node, of the 300 that it has room for
PLAIN = "plain loop, resources only"


def node(number: int) -> Object:
    labels = {
        "kubernetes.io/hostname": f"node-{number}",
        ZONE: f"zone-{number % 3}",
        "disk": ("ssd", "hdd")[number % 2],
    }
    allocatable = {"cpu": "32", "memory": "64Gi", "pods": "500", "ephemeral-storage": "100Gi"}
    metadata = {"name": f"node-{number}", "labels": labels}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": metadata,
        "spec": {},
        "status": {"allocatable": allocatable},
    }


def pod(number: int, spread: bool) -> Object:
    """As a Deployment makes them: with a controller, for the default spreading. `spread`: a hard constraint besides."""
    container = {"name": "main", "image": "app:1", "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}}}
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "app", "uid": "app-uid", "controller": True}
    constraint: Object = {"maxSkew": 1, "topologyKey": ZONE, "whenUnsatisfiable": "DoNotSchedule"}
    constraint["labelSelector"] = {"matchLabels": {"app": "app"}}
    metadata = {"name": f"app-{number}", "namespace": "default", "uid": f"{spread}-{number}", "labels": {"app": "app"}}
    spec = {"containers": [container], "topologySpreadConstraints": [constraint] if spread else []}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {**metadata, "ownerReferences": [owner]}, "spec": spec}


class Decisions:
    """A cluster that pods are scheduled to, more with each round."""

    def __init__(self, nodes: int, *, spread: bool) -> None:
        self._cache = Cache()
        for number in range(nodes):
            self._cache.put_node(node(number))
        self._spread = spread
        self._profile = default_profile()
        self._choose = random.Random(1)
        self._number = 0

    def one(self) -> None:
        self._number += 1
        info = pod_info(pod(self._number, self._spread))
        decision = schedule(self._cache.snapshot, info, self._profile, self._choose)
        assert decision.node is not None
        self._cache.assume(info, decision.node)


class PlainLoop:
    """The anchor."""

    def __init__(self, nodes: int) -> None:
        self._nodes = [{"cpu": 32_000, "memory": 64 << 30, "cpu used": 0, "memory used": 0} for _ in range(nodes)]

    def one(self) -> None:
        best, most = None, -1.0
        for node in self._nodes:
            cpu = node["cpu"] - node["cpu used"] - _CPU
            memory = node["memory"] - node["memory used"] - _MEMORY
            if cpu >= 0 and memory >= 0:
                score = cpu / node["cpu"] + memory / node["memory"]
                if score > most:
                    best, most = node, score
        assert best is not None
        best["cpu used"] += _CPU
        best["memory used"] += _MEMORY


def run(options: Options) -> list[Table]:
    table = Table("Decisions", ["", "nodes", "a second", "p50 ms", "p99 ms", "÷ plain loop"])
    for nodes in NODES:
        progress(f"scheduler: {nodes} nodes")
        kinds: dict[str, Callable[[], Decisions | PlainLoop]] = {
            "a Deployment's pod": partial(Decisions, nodes, spread=False),
            "with a zone constraint": partial(Decisions, nodes, spread=True),
            PLAIN: partial(PlainLoop, nodes),
        }
        rates: dict[str, list[float]] = {name: [] for name in kinds}
        times: dict[str, list[float]] = {name: [] for name in kinds}
        for _ in range(options.rounds):
            for name, make in kinds.items():
                taken = _round(make().one, _FILL * nodes, options.seconds)
                rates[name].append(len(taken) / sum(taken))
                times[name] += taken
        for name, found in rates.items():
            percentiles = (milliseconds(percentile(times[name], share)) for share in (0.5, 0.99))
            row = [name, f"{nodes:,}", rate(median(found)), *percentiles]
            table.rows.append([*row, ratio(median(found), median(rates[PLAIN]))])
    return [table]


def _round(one: Callable[[], None], most: int, seconds: float) -> list[float]:
    """The times of at most so many decisions on an empty cluster."""
    taken: list[float] = []
    before = time.perf_counter()
    end = before + seconds
    while before < end and len(taken) < most:
        one()
        after = time.perf_counter()
        taken.append(after - before)
        before = after
    return taken
