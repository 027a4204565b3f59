from typing import Any

import pytest

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.managedfields.zero import zero_object


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
