"""Which changes of a running pod are a resize."""

import copy
from typing import Any

import pytest

from pynetes.apis.core.pod import ResizeStrategy

Object = dict[str, Any]


def container(name: str, cpu: str = "1", **more: Any) -> Object:
    resources = {"requests": {"cpu": cpu, "memory": "1Gi"}}
    required = {"terminationMessagePath": "/dev/x", "terminationMessagePolicy": "File", "imagePullPolicy": "Always"}
    return {"name": name, "image": "i", "resources": resources, **required, **more}


def pod(**spec: Any) -> Object:
    defaults = {"restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "terminationGracePeriodSeconds": 30}
    made = {"containers": [container("c")], "initContainers": [container("i")], **defaults, **spec}
    metadata = {"name": "p", "namespace": "a", "uid": "u", "resourceVersion": "1", "generation": 1}
    return {"metadata": metadata, "spec": made, "status": {"qosClass": "Burstable"}}


def level(cpu: str = "4", **more: str) -> Object:
    return {"requests": {"cpu": cpu, "memory": "4Gi", **more}}


def resized(old: Object, **changes: Any) -> list[str]:
    """What is wrong with a resize to these fields of the spec; None removes one."""
    new = copy.deepcopy(old)
    for field, value in changes.items():
        new["spec"][field] = value
        if value is None:
            del new["spec"][field]
    strategy = ResizeStrategy()
    strategy.prepare_for_update(new, old)
    return [str(error) for error in strategy.validate_update(new, old)]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({}, {"containers": [container("c", "2")], "initContainers": [container("i", "2")]}, []),
        ({}, {"resources": level()}, []),
        ({"resources": level()}, {"resources": level("5")}, []),
        (
            {"resources": level()},
            {"resources": None},
            ["spec.resources: Forbidden: pod-level resources cannot be removed"],
        ),
        (
            {"resources": level()},
            {"resources": {"requests": {"memory": "4Gi"}}},
            ["spec.resources.requests: Forbidden: pod-level resource requests cannot be removed"],
        ),
        (
            {"resources": level()},
            {"resources": level(**{"hugepages-2Mi": "2Mi"}) | {"limits": {"hugepages-2Mi": "2Mi"}}},
            ["spec: Forbidden: only cpu and memory resources are mutable at pod-level"],
        ),
        (
            {},
            {
                "containers": [container("c", resources={})],
                "initContainers": [container("i", resources={"requests": {"memory": "1Gi", "x.y/z": "1"}})],
            },
            [
                "spec.initContainers[0].resources.requests: Forbidden: resource requests cannot be removed",
                "spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed",
                "spec.initContainers[0]: Forbidden: only cpu and memory resources for init or sidecar containers are "
                "mutable",
            ],
        ),
        (
            {},
            {"containers": [container("c"), container("d")]},
            ["spec.containers: Forbidden: containers may not be added or removed on resize"],
        ),
    ],
)
def test_what_a_resize_may_change(before: Object, after: Object, told: list[str]) -> None:
    found = resized(pod(**before), **after)
    assert [error for error in found if "Forbidden" in error] == told
    assert told or not found
