"""What a cluster with a pool of addresses for load balancers has beside: the cloud controller manager's rights."""

from typing import Any

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apis.names import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES
from pynetes.cli.settings import Settings
from pynetes.client.rest import Client
from pynetes.component.pki import CLOUD_CONTROLLER_MANAGER_USER

Object = dict[str, Any]

_LABELS = {"app.kubernetes.io/managed-by": "pynetes"}
_RBAC = "rbac.authorization.k8s.io"


def _rule(groups: str, resources: str, verbs: str, *names: str) -> Object:
    """Words, `core` for the group without a name."""
    rule: Object = {
        "apiGroups": ["" if group == "core" else group for group in groups.split()],
        "resources": resources.split(),
        "verbs": verbs.split(),
    }
    return {**rule, "resourceNames": list(names)} if names else rule


def rights() -> list[tuple[GroupVersionResource, Object]]:
    """Upstream's ClusterRole system:cloud-controller-manager, as far as its controllers need it here."""
    name = CLOUD_CONTROLLER_MANAGER_USER
    rules = [
        _rule("core events.k8s.io", "events", "create patch update"),
        _rule("core", "nodes", "get list watch update patch delete"),
        _rule("core", "nodes/status services/status", "patch update"),
        _rule("core", "services", "get list watch patch update"),
        _rule("coordination.k8s.io", "leases", "create"),
        _rule("coordination.k8s.io", "leases", "get update", "cloud-controller-manager"),
        # who asks for its metrics, and may they?
        _rule("authentication.k8s.io", "tokenreviews", "create"),
        _rule("authorization.k8s.io", "subjectaccessreviews", "create"),
        _rule("core", "configmaps", "get", "extension-apiserver-authentication"),
    ]
    metadata = {"name": name, "labels": _LABELS}
    role = {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "metadata": metadata, "rules": rules}
    binding = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": name}],
    }
    return [(CLUSTER_ROLES, role), (CLUSTER_ROLE_BINDINGS, binding)]


async def install_rights(client: Client, settings: Settings) -> None:
    """Creates what is missing and brings the rest up to date, if there is a pool."""
    for gvr, obj in rights() if settings.load_balancer_pool else ():
        try:
            await client.create(gvr, obj)
        except StatusError as error:
            if error.reason != "AlreadyExists":
                raise
            changes = {key: value for key, value in obj.items() if key not in ("apiVersion", "kind", "roleRef")}
            await client.patch(gvr, obj["metadata"]["name"], changes, type="merge")
