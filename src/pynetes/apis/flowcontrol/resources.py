"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.resource import STATUS, Resource, Strategy


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("flowcontrol.apiserver.k8s.io", "v1", kind)


class _WithStatus(Strategy):
    has_status = True


RESOURCES: tuple[Resource, ...] = (
    Resource(_kind("FlowSchema"), "flowschemas", namespaced=False, strategy=_WithStatus(), subresources=(STATUS,)),
    Resource(
        _kind("PriorityLevelConfiguration"),
        "prioritylevelconfigurations",
        namespaced=False,
        strategy=_WithStatus(),
        subresources=(STATUS,),
    ),
)
