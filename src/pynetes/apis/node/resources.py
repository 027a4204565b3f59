"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.node.columns import RUNTIME_CLASS
from pynetes.apis.node.runtime_class import RuntimeClassStrategy
from pynetes.apis.resource import Resource


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("node.k8s.io", "v1", kind)


RESOURCES: tuple[Resource, ...] = (
    Resource(
        _kind("RuntimeClass"),
        "runtimeclasses",
        namespaced=False,
        strategy=RuntimeClassStrategy(),
        columns=RUNTIME_CLASS,
    ),
)
