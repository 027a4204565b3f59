"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.resource import SCALE, STATUS, Resource, Strategy


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("apps", "v1", kind)


class _WithStatus(Strategy):
    has_status = True


RESOURCES: tuple[Resource, ...] = (
    Resource(_kind("ControllerRevision"), "controllerrevisions", namespaced=True, strategy=Strategy()),
    Resource(
        _kind("DaemonSet"),
        "daemonsets",
        namespaced=True,
        strategy=_WithStatus(),
        short_names=("ds",),
        categories=("all",),
        subresources=(STATUS,),
    ),
    Resource(
        _kind("Deployment"),
        "deployments",
        namespaced=True,
        strategy=_WithStatus(),
        short_names=("deploy",),
        categories=("all",),
        subresources=(
            SCALE,
            STATUS,
        ),
    ),
    Resource(
        _kind("ReplicaSet"),
        "replicasets",
        namespaced=True,
        strategy=_WithStatus(),
        short_names=("rs",),
        categories=("all",),
        subresources=(
            SCALE,
            STATUS,
        ),
    ),
    Resource(
        _kind("StatefulSet"),
        "statefulsets",
        namespaced=True,
        strategy=_WithStatus(),
        short_names=("sts",),
        categories=("all",),
        subresources=(
            SCALE,
            STATUS,
        ),
    ),
)
