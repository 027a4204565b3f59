"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.rbac.columns import CLUSTER_ROLE_BINDING, ROLE_BINDING
from pynetes.apis.rbac.role import ClusterRoleStrategy, RoleStrategy
from pynetes.apis.rbac.role_binding import ClusterRoleBindingStrategy, RoleBindingStrategy
from pynetes.apis.resource import Resource


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("rbac.authorization.k8s.io", "v1", kind)


RESOURCES: tuple[Resource, ...] = (
    Resource(
        _kind("ClusterRoleBinding"),
        "clusterrolebindings",
        namespaced=False,
        strategy=ClusterRoleBindingStrategy(),
        columns=CLUSTER_ROLE_BINDING,
    ),
    Resource(_kind("ClusterRole"), "clusterroles", namespaced=False, strategy=ClusterRoleStrategy()),
    Resource(
        _kind("RoleBinding"), "rolebindings", namespaced=True, strategy=RoleBindingStrategy(), columns=ROLE_BINDING
    ),
    Resource(_kind("Role"), "roles", namespaced=True, strategy=RoleStrategy()),
)
