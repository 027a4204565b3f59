"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.autoscaling.columns import HORIZONTAL_POD_AUTOSCALER
from pynetes.apis.autoscaling.conversion import v1_to_v2
from pynetes.apis.autoscaling.horizontal_pod_autoscaler import (
    HorizontalPodAutoscalerStrategy,
    HorizontalPodAutoscalerV1Strategy,
)
from pynetes.apis.resource import STATUS, Column, Resource


def _kind(kind: str, version: str) -> GroupVersionKind:
    return GroupVersionKind("autoscaling", version, kind)


def _over_v2(column: Column) -> Column:
    """v1 prints as v2."""
    cells = column.cells
    return Column(column.name, lambda o: cells(v1_to_v2(o)), column.type, column.format, column.source, column.priority)


RESOURCES: tuple[Resource, ...] = (
    Resource(
        _kind("HorizontalPodAutoscaler", "v2"),
        "horizontalpodautoscalers",
        namespaced=True,
        strategy=HorizontalPodAutoscalerStrategy(),
        columns=HORIZONTAL_POD_AUTOSCALER,
        short_names=("hpa",),
        categories=("all",),
        subresources=(STATUS,),
    ),
    Resource(
        _kind("HorizontalPodAutoscaler", "v1"),
        "horizontalpodautoscalers",
        namespaced=True,
        strategy=HorizontalPodAutoscalerV1Strategy(),
        columns=tuple(map(_over_v2, HORIZONTAL_POD_AUTOSCALER)),
        short_names=("hpa",),
        categories=("all",),
        subresources=(STATUS,),
        storage_gvk=_kind("HorizontalPodAutoscaler", "v2"),
    ),
)
