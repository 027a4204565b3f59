"""A group counts its pods per node as a Counter would."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pynetes.scheduler.podgroups import PodGroup, together
from pynetes.scheduler.podinfo import pod_info
from tests.scheduler import pod


def counted(group: PodGroup) -> dict[int, int]:
    return dict(zip(group.rows.tolist(), group.counts.tolist(), strict=True))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12))))
def test_adding_and_removing_in_any_order(steps: list[tuple[bool, int]]) -> None:
    group, expected = PodGroup(pod_info(pod())), Counter[int]()
    for add, row in steps:
        if add:
            group.add(row)
            expected[row] += 1
        elif expected[row]:
            group.remove(row)
            expected[row] -= 1
        assert counted(group) == +expected
        assert bool(group) == bool(+expected)


def test_several_groups_together() -> None:
    one, two = PodGroup(pod_info(pod())), PodGroup(pod_info(pod()))
    for group, row in ((one, 3), (one, 3), (two, 3), (two, 5)):
        group.add(row)
    total = np.zeros(6, np.int64)
    np.add.at(total, *together((one, two)))
    assert total.tolist() == [0, 0, 0, 3, 0, 1]
    assert [len(part) for part in together(())] == [0, 0]


def test_what_tells_pods_apart() -> None:
    far = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone"}]}}
    first = pod_info(pod(labels={"app": "a"}))
    assert pod_info(pod(labels={"app": "a"})).group == first.group
    deleting = pod(labels={"app": "a"})
    deleting["metadata"]["deletionTimestamp"] = "2024-01-01T00:00:00Z"
    others = [pod(labels={"app": "b"}), pod(labels={"app": "a"}, namespace="other"), deleting]
    others.append(pod(labels={"app": "a"}, affinity=far))
    owner = {"kind": "ReplicaSet", "name": "a", "uid": "rs", "controller": True}
    others.append(pod(labels={"app": "a"}, owners=[owner]))
    assert len({first.group, *(pod_info(other).group for other in others)}) == 6
