"""The snapshot equals what a fresh one built from the same objects would be, whatever the order of events."""

import random
from collections import Counter
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pynetes.scheduler.cache import Cache
from pynetes.scheduler.podinfo import pod_info
from pynetes.scheduler.snapshot import Snapshot
from tests.scheduler import Object, node, pod


def view(snapshot: Snapshot) -> dict[str, Any]:
    """What plugins can see, by node name."""
    out = {}
    for name, row in snapshot.row_of.items():
        out[name] = {
            "resources": {
                r: (int(snapshot.allocatable[row, c]), int(snapshot.requested[row, c]))
                for r, c in snapshot.resource_of.items()
                if snapshot.allocatable[row, c] or snapshot.requested[row, c]
            },
            "nonzero": snapshot.nonzero[row].tolist(),
            "labels": {k: c.values[c.codes[row]] for k, c in snapshot.labels.items() if c.codes[row] >= 0},
            "taints": {taint for taint, mask in snapshot.taints.items() if mask[row]},
            "pods": set(snapshot.pods[row]),
            "ports": {key for key, rows in snapshot.ports.items() if row in rows},
        }
        assert all(info.row == row for info in snapshot.pods[row].values())
        assert snapshot.names[row] == name
    assert snapshot.count == len(out)
    check_groups(snapshot)
    return out


def check_groups(snapshot: Snapshot) -> None:
    """Groups count what runs on the nodes, and empty ones are gone."""
    running = Counter(
        (info.namespace, info.group, row) for row, pods in enumerate(snapshot.pods) for info in pods.values()
    )
    grouped = {
        (namespace, key, row): count
        for namespace, groups in snapshot.groups.items()
        for key, group in groups.items()
        for row, count in zip(group.rows.tolist(), group.counts.tolist(), strict=True)
    }
    assert grouped == running
    assert all(groups and all(groups.values()) for groups in snapshot.groups.values())
    together = {key for groups in snapshot.groups.values() for key in groups}
    assert set(snapshot.groups_with_affinity) == {key for key in together if uses_affinity(snapshot, key)}


def uses_affinity(snapshot: Snapshot, key: Any) -> bool:
    return any(groups[key].pod.uses_affinity for groups in snapshot.groups.values() if key in groups)


def build(nodes: dict[str, Object], pods: dict[str, Object]) -> Snapshot:
    cache = Cache()
    for one in nodes.values():
        cache.put_node(one)
    for one in pods.values():
        cache.put_pod(one)
    return cache.snapshot


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_any_order_of_events_leads_to_the_same_snapshot(seed: int) -> None:
    chance = random.Random(seed)
    cache, nodes, pods = Cache(), {}, {}
    names = [f"n{i}" for i in range(40)]
    for _ in range(120):
        name = chance.choice(names[: chance.choice((3, 40))])
        match chance.randrange(5):
            case 0 | 1:
                taints = [{"key": "t", "effect": "NoSchedule"}] if chance.random() < 0.3 else []
                nodes[name] = node(
                    name, cpu=str(chance.randrange(1, 9)), taints=taints, **{f"l{chance.randrange(3)}": "x"}
                )
                cache.put_node(nodes[name])
            case 2:
                nodes.pop(name, None)
                cache.remove_node(name)
            case 3:
                made = pod(on=name, cpu="100m")
                made["spec"]["containers"][0]["ports"] = [{"containerPort": 1, "hostPort": chance.randrange(1, 4)}]
                pods[made["metadata"]["uid"]] = made
                cache.put_pod(made)
            case 4 if pods:
                cache.remove_pod(pods.pop(chance.choice(sorted(pods)))["metadata"]["uid"])
    assert view(cache.snapshot) == view(build(nodes, pods))


def test_an_assumed_pod_holds_room_until_it_is_forgotten() -> None:
    cache = Cache()
    cache.put_node(node("a"))
    info = pod_info(pod(cpu="1"))
    cache.assume(info, "a")
    assert cache.snapshot.requested[0, 0] == 1000
    cache.forget(info)
    assert cache.snapshot.requested[0, 0] == 0


def test_a_confirmed_pod_is_not_forgotten() -> None:
    cache = Cache()
    cache.put_node(node("a"))
    waiting = pod(cpu="1")
    info = pod_info(waiting)
    cache.assume(info, "a")
    cache.put_pod({**waiting, "spec": {**waiting["spec"], "nodeName": "a"}})
    cache.forget(info)
    assert cache.snapshot.requested[0, 0] == 1000
    assert np.count_nonzero(cache.snapshot.requested[:, 3]) == 1
