"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.resource import STATUS, Resource, Strategy


def _kind(kind: str, version: str) -> GroupVersionKind:
    return GroupVersionKind("autoscaling", version, kind)


class _WithStatus(Strategy):
    has_status = True


RESOURCES: tuple[Resource, ...] = (
    Resource(
        _kind("HorizontalPodAutoscaler", "v2"),
        "horizontalpodautoscalers",
        namespaced=True,
        strategy=_WithStatus(),
        short_names=("hpa",),
        categories=("all",),
        subresources=(STATUS,),
    ),
    Resource(
        _kind("HorizontalPodAutoscaler", "v1"),
        "horizontalpodautoscalers",
        namespaced=True,
        strategy=_WithStatus(),
        short_names=("hpa",),
        categories=("all",),
        subresources=(STATUS,),
        storage_gvk=_kind("HorizontalPodAutoscaler", "v2"),
    ),
)
