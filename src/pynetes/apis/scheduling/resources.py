"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.resource import Resource
from pynetes.apis.scheduling.columns import PRIORITY_CLASS
from pynetes.apis.scheduling.priority_class import PriorityClassStrategy


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("scheduling.k8s.io", "v1", kind)


RESOURCES: tuple[Resource, ...] = (
    Resource(
        _kind("PriorityClass"),
        "priorityclasses",
        namespaced=False,
        strategy=PriorityClassStrategy(),
        columns=PRIORITY_CLASS,
        short_names=("pc",),
    ),
)
