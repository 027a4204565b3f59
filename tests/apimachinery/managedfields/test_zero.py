from typing import Any

import pytest

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.managedfields.versions import BuiltInVersions
from pynetes.apimachinery.managedfields.zero import complete, zero_object
from pynetes.apis.conversion import convert


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (GroupVersionKind("", "v1", "ConfigMap"), {}),
        (GroupVersionKind("", "v1", "Pod"), {"spec": {"containers": None}, "status": {}}),
        (
            GroupVersionKind("apps", "v1", "Deployment"),
            {
                "spec": {
                    "selector": None,
                    "strategy": {},
                    "template": {"metadata": {}, "spec": {"containers": None}},
                },
                "status": {},
            },
        ),
        (GroupVersionKind("rbac.authorization.k8s.io", "v1", "ClusterRole"), {"rules": None}),
        (GroupVersionKind("scheduling.k8s.io", "v1", "PriorityClass"), {"value": 0}),
        (GroupVersionKind("networking.k8s.io", "v1", "IPAddress"), {"spec": {}}),
        (GroupVersionKind("batch", "v1", "CronJob"), None),
        (GroupVersionKind("stable.example.com", "v1", "CronTab"), {}),
    ],
)
def test_what_is_always_there(kind: GroupVersionKind, fields: dict[str, Any] | None) -> None:
    found = zero_object(kind)
    assert found["apiVersion"] == kind.api_version
    assert found["kind"] == kind.kind
    assert found["metadata"] == {}
    if fields is not None:
        assert {
            name: value for name, value in found.items() if name not in ("apiVersion", "kind", "metadata")
        } == fields
    else:
        assert found["spec"]["schedule"] == ""


def test_what_is_always_there_is_filled_in_however_deep() -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "ports": [{"name": "web"}]}]}}
    found = complete(pod, GroupVersionKind("", "v1", "Pod"))
    assert found["spec"]["containers"] == [
        {"name": "c", "ports": [{"name": "web", "containerPort": 0}], "resources": {}}
    ]
    assert found["status"] == {}
    assert pod["spec"] == {"containers": [{"name": "c", "ports": [{"name": "web"}]}]}


def test_converted_objects_say_all_that_typed_ones_would() -> None:
    versions = BuiltInVersions("autoscaling", "HorizontalPodAutoscaler", convert)
    old = {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "spec": {"minReplicas": 2}}
    found = versions.convert(old, "autoscaling/v2")
    assert found["spec"]["maxReplicas"] == 0
    assert found["spec"]["scaleTargetRef"] == {"kind": "", "name": ""}
    assert versions.type_of("autoscaling/v2") is not None
    assert versions.type_of("events.k8s.io/v1") is None
    with pytest.raises(LookupError):
        versions.convert(old, "autoscaling/v9")
    assert versions.same(found, {key: value for key, value in found.items() if key != "status"})
    assert not versions.same(found, {**found, "spec": {}})
