"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.resource import STATUS, Resource, Strategy


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("batch", "v1", kind)


class _WithStatus(Strategy):
    has_status = True


RESOURCES: tuple[Resource, ...] = (
    Resource(
        _kind("CronJob"),
        "cronjobs",
        namespaced=True,
        strategy=_WithStatus(),
        short_names=("cj",),
        categories=("all",),
        subresources=(STATUS,),
    ),
    Resource(
        _kind("Job"), "jobs", namespaced=True, strategy=_WithStatus(), categories=("all",), subresources=(STATUS,)
    ),
)
