"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.apps import columns
from pynetes.apis.apps.controller_revision import ControllerRevisionStrategy
from pynetes.apis.apps.daemon_set import DaemonSetStrategy
from pynetes.apis.apps.deployment import DeploymentStrategy
from pynetes.apis.apps.replica_set import ReplicaSetStrategy
from pynetes.apis.apps.stateful_set import StatefulSetStrategy
from pynetes.apis.resource import SCALE, STATUS, Resource


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("apps", "v1", kind)


RESOURCES: tuple[Resource, ...] = (
    Resource(
        _kind("ControllerRevision"),
        "controllerrevisions",
        namespaced=True,
        strategy=ControllerRevisionStrategy(),
        columns=columns.CONTROLLER_REVISION,
    ),
    Resource(
        _kind("DaemonSet"),
        "daemonsets",
        namespaced=True,
        strategy=DaemonSetStrategy(),
        columns=columns.DAEMON_SET,
        short_names=("ds",),
        categories=("all",),
        subresources=(STATUS,),
    ),
    Resource(
        _kind("Deployment"),
        "deployments",
        namespaced=True,
        strategy=DeploymentStrategy(),
        columns=columns.DEPLOYMENT,
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
        strategy=ReplicaSetStrategy(),
        columns=columns.REPLICA_SET,
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
        strategy=StatefulSetStrategy(),
        columns=columns.STATEFUL_SET,
        short_names=("sts",),
        categories=("all",),
        subresources=(
            SCALE,
            STATUS,
        ),
    ),
)
