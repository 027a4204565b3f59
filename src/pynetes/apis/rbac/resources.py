"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery import names
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.resource import Resource, Strategy


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("rbac.authorization.k8s.io", "v1", kind)


class _AnyName(Strategy):
    """Roles and bindings may be named `system:node`."""

    name_rule = staticmethod(names.path_segment_name)


RESOURCES: tuple[Resource, ...] = (
    Resource(_kind("ClusterRoleBinding"), "clusterrolebindings", namespaced=False, strategy=_AnyName()),
    Resource(_kind("ClusterRole"), "clusterroles", namespaced=False, strategy=_AnyName()),
    Resource(_kind("RoleBinding"), "rolebindings", namespaced=True, strategy=_AnyName()),
    Resource(_kind("Role"), "roles", namespaced=True, strategy=_AnyName()),
)
