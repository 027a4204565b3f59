"""The kinds and objects that targets try their bytes on."""

from typing import Any

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.structural.objectschema import ObjectSchema

POD = GroupVersionKind("", "v1", "Pod")
CONFIG_MAP = GroupVersionKind("", "v1", "ConfigMap")
SERVICE = GroupVersionKind("", "v1", "Service")
DEPLOYMENT = GroupVersionKind("apps", "v1", "Deployment")
REVISION = GroupVersionKind("apps", "v1", "ControllerRevision")
LEASE = GroupVersionKind("coordination.k8s.io", "v1", "Lease")
DEFINITION = GroupVersionKind("apiextensions.k8s.io", "v1", "CustomResourceDefinition")
POLICY = GroupVersionKind("networking.k8s.io", "v1", "NetworkPolicy")
WIDGET = GroupVersionKind("example.com", "v1", "Widget")

KINDS = (POD, CONFIG_MAP, SERVICE, DEPLOYMENT, REVISION, LEASE, DEFINITION, POLICY)

WIDGET_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "size": {"type": "integer", "default": 3},
                "ratio": {"type": "number"},
                "tags": {"type": "object", "additionalProperties": {"type": "string"}},
                "parts": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
                },
                "any": {"x-kubernetes-preserve-unknown-fields": True},
                "port": {"x-kubernetes-int-or-string": True},
            },
        }
    },
}
WIDGETS = ObjectSchema(WIDGET_SCHEMA)

_CONTAINER = {
    "name": "main",
    "image": "example/image:1",
    "ports": [{"containerPort": 80, "protocol": "TCP"}],
    "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
    "resources": {"requests": {"cpu": "100m", "memory": "1Gi"}},
}
DOCUMENTS: tuple[tuple[GroupVersionKind, dict[str, Any]], ...] = (
    (
        POD,
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "one", "namespace": "default", "labels": {"a": "b"}, "finalizers": ["a/b", "c/d"]},
            "spec": {"containers": [_CONTAINER, {**_CONTAINER, "name": "side"}], "tolerations": [{"key": "x"}]},
        },
    ),
    (
        DEPLOYMENT,
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "one", "namespace": "default"},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": {"a": "b"}},
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}},
                "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [_CONTAINER]}},
            },
        },
    ),
    (
        SERVICE,
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "one", "namespace": "default"},
            "spec": {"ports": [{"port": 80, "protocol": "TCP", "name": "web"}], "selector": {"a": "b"}},
        },
    ),
)
