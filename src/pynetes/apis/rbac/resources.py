"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.resource import Resource, Strategy


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("rbac.authorization.k8s.io", "v1", kind)


RESOURCES: tuple[Resource, ...] = (
    Resource(_kind("ClusterRoleBinding"), "clusterrolebindings", namespaced=False, strategy=Strategy()),
    Resource(_kind("ClusterRole"), "clusterroles", namespaced=False, strategy=Strategy()),
    Resource(_kind("RoleBinding"), "rolebindings", namespaced=True, strategy=Strategy()),
    Resource(_kind("Role"), "roles", namespaced=True, strategy=Strategy()),
)
