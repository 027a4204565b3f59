"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.resource import STATUS, Resource, Strategy


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("policy", "v1", kind)


class _WithStatus(Strategy):
    has_status = True


RESOURCES: tuple[Resource, ...] = (
    Resource(
        _kind("PodDisruptionBudget"),
        "poddisruptionbudgets",
        namespaced=True,
        strategy=_WithStatus(),
        short_names=("pdb",),
        subresources=(STATUS,),
    ),
)
