"""Sums over a pod, and its QoS class."""

from typing import Any

import pytest

from pynetes.kubelet import pod_resources


def container(name: str, requests: Any = None, limits: Any = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "resources": {"requests": requests or {}, "limits": limits or {}}, **more}


def pod(*containers: Any, init: tuple[Any, ...] = (), **spec: Any) -> dict[str, Any]:
    return {"metadata": {"uid": "u"}, "spec": {"containers": list(containers), "initContainers": list(init), **spec}}


def shown(values: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}


def test_init_containers_count_by_the_neediest_sidecars_always() -> None:
    found = pod(
        container("a", {"cpu": "100m", "memory": "1Gi"}),
        container("b", {"cpu": "200m"}),
        init=(
            container("side1", {"cpu": "50m"}, restartPolicy="Always"),
            container("big", {"cpu": "1", "memory": "100Mi"}),
            container("side2", {"cpu": "10m"}, restartPolicy="Always"),
        ),
        overhead={"cpu": "5m"},
    )
    assert shown(pod_resources.requests(found)) == {"cpu": "1055m", "memory": "1Gi"}


def test_pod_level_resources_win() -> None:
    found = pod(container("a", {"cpu": "1"}, {"memory": "1Gi"}), resources={"requests": {"cpu": "3"}})
    assert shown(pod_resources.requests(found)) == {"cpu": "3"}
    assert shown(pod_resources.limits(found)) == {"memory": "1Gi"}


BOTH = {"cpu": "1", "memory": "1Gi"}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (pod(container("a")), "BestEffort"),
        (pod(container("a", {"cpu": "0"})), "BestEffort"),
        (pod(container("a", BOTH, BOTH)), "Guaranteed"),
        (pod(container("a", {"cpu": "1000m", "memory": "1024Mi"}, BOTH)), "Guaranteed"),
        (pod(container("a", BOTH, BOTH), container("b")), "Burstable"),
        (pod(container("a", BOTH, BOTH), init=(container("i"),)), "Burstable"),
        (pod(container("a", {"cpu": "1"}, {"cpu": "1"})), "Burstable"),
        (pod(container("a", {"cpu": "500m", "memory": "1Gi"}, BOTH)), "Burstable"),
        (pod(container("a", {"ephemeral-storage": "1Gi"})), "BestEffort"),
        (pod(container("a"), resources={"requests": BOTH, "limits": BOTH}), "Guaranteed"),
        ({**pod(container("a")), "status": {"qosClass": "Burstable"}}, "Burstable"),
    ],
)
def test_qos_class(found: dict[str, Any], expected: str) -> None:
    assert pod_resources.qos_class(found) == expected


def test_a_pod_is_bounded_when_every_container_is() -> None:
    limited = container("a", None, {"memory": "1Gi"})
    assert pod_resources.limited(pod(limited), "memory")
    assert not pod_resources.limited(pod(limited, container("b")), "memory")
    assert pod_resources.limited(pod(container("b"), resources={"limits": {"memory": "1Gi"}}), "memory")
