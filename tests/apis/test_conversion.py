import pytest

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.conversion import convert
from pynetes.apis.equality import semantic_equal
from tests.apis.objects import Object

V1 = GroupVersionKind("autoscaling", "v1", "HorizontalPodAutoscaler")
V2 = GroupVersionKind("autoscaling", "v2", "HorizontalPodAutoscaler")
CORE_EVENT = GroupVersionKind("", "v1", "Event")
NEW_EVENT = GroupVersionKind("events.k8s.io", "v1", "Event")


def test_an_event_in_both_versions() -> None:
    core: Object = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Pod", "name": "p"},
        "message": "Started",
        "firstTimestamp": "2026-01-01T00:00:00Z",
        "source": {"component": "kubelet"},
        "count": 2,
        "reportingComponent": "kubelet",
    }
    new = convert(core, NEW_EVENT)
    assert new["regarding"] == core["involvedObject"]
    assert new["note"] == "Started"
    assert new["deprecatedCount"] == 2
    assert new["deprecatedSource"] == {"component": "kubelet"}
    assert new["reportingController"] == "kubelet"
    assert convert(new, CORE_EVENT) == core


def _autoscaler() -> Object:
    memory = {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "h"},
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"},
            "minReplicas": 1,
            "maxReplicas": 5,
            "metrics": [{"type": "Resource", "resource": memory}, {"type": "Resource", "resource": cpu}],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}},
        },
    }


def test_the_first_version_knows_only_the_cpu() -> None:
    old = convert(_autoscaler(), V1)
    assert old["spec"]["targetCPUUtilizationPercentage"] == 60
    assert "metrics" not in old["spec"]


def test_what_the_first_version_does_not_know_survives_in_annotations() -> None:
    back = convert(convert(_autoscaler(), V1), V2)
    assert back["spec"]["behavior"] == {"scaleDown": {"stabilizationWindowSeconds": 60}}
    metrics = sorted(back["spec"]["metrics"], key=lambda m: m["resource"]["name"])
    assert [m["resource"]["name"] for m in metrics] == ["cpu", "memory"]
    assert back["metadata"].get("annotations") in (None, {})


def test_the_same_version_needs_no_conversion() -> None:
    assert convert(_autoscaler(), V2) == _autoscaler()


EQUAL: list[tuple[Object, Object]] = [
    ({"a": None}, {}),
    ({"a": []}, {}),
    ({"hostNetwork": False}, {}),
]
DIFFERENT = [
    ({"enabled": False}, {}),
    ({"a": 1}, {"a": 2}),
    ({"a": [1, 2]}, {"a": [2, 1]}),
    ({"cpu": "1"}, {"cpu": "2"}),
]


@pytest.mark.parametrize(("a", "b"), EQUAL)
def test_equal(a: Object, b: Object) -> None:
    assert semantic_equal(a, b)


@pytest.mark.parametrize(("a", "b"), DIFFERENT)
def test_different(a: Object, b: Object) -> None:
    assert not semantic_equal(a, b)
