"""What a pod counts as on its node."""

from typing import Any

import pytest

from pynetes.scheduler.resources import pod_requests

Object = dict[str, Any]


def told(name: str, cpu: str, granted: str = "") -> Object:
    """What a node tells of a container that has so much CPU, and is granted so much."""
    status: Object = {"name": name, "resources": {"requests": {"cpu": cpu}}}
    return {**status, "allocatedResources": {"cpu": granted}} if granted else status


@pytest.mark.parametrize(
    ("statuses", "reason", "cpu"),
    [
        ([], "", 3000),
        ([told("c", "1", "1")], "", 3000),
        ([told("c", "4", "2")], "", 6000),
        ([told("c", "1", "5")], "Deferred", 7000),
        ([told("c", "500m", "1")], "Infeasible", 3000),
        ([{"name": "c"}], "Infeasible", 3000),
    ],
)
def test_while_a_resize_is_under_way_the_most_counts(statuses: list[Object], reason: str, cpu: int) -> None:
    spec = {
        "containers": [
            {"name": "c", "resources": {"requests": {"cpu": "1"}}},
            {"name": "d", "resources": {"requests": {"cpu": "2"}}},
        ]
    }
    conditions = [{"type": "PodResizePending", "reason": reason}] if reason else []
    assert pod_requests({"spec": spec, "status": {"containerStatuses": statuses, "conditions": conditions}}) == {
        "cpu": cpu
    }


def test_sidecars_and_pods_as_a_whole_are_counted_so_too() -> None:
    sidecar = {"name": "s", "restartPolicy": "Always", "resources": {"requests": {"cpu": "1"}}}
    first = {"name": "i", "resources": {"requests": {"cpu": "1"}}}
    container = {"name": "c", "resources": {"requests": {"cpu": "1"}}}
    spec: Object = {"initContainers": [sidecar, first], "containers": [container]}
    status: Object = {"initContainerStatuses": [told("s", "3"), told("i", "9")]}
    assert pod_requests({"spec": spec, "status": status}) == {"cpu": 4000}
    spec["resources"] = {"requests": {"cpu": "2", "memory": "1"}}
    status |= {"resources": {"requests": {"cpu": "1"}}, "allocatedResources": {"cpu": "5"}}
    assert pod_requests({"spec": spec, "status": status}) == {"cpu": 5000, "memory": 1}
