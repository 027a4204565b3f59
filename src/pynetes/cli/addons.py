"""Objects of our own that a cluster needs beside upstream's bootstrap policy."""

from typing import Any

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apis.names import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES
from pynetes.client.rest import Client
from pynetes.component.pki import NETWORK_USER

_LABELS = {"app.kubernetes.io/managed-by": "pynetes"}
_RBAC = "rbac.authorization.k8s.io"


def network_role() -> list[tuple[GroupVersionResource, dict[str, Any]]]:
    """What the pod network and the DNS server may do: read what they serve, publish the DNS server."""
    read = ["get", "list", "watch"]
    rules = [
        {"apiGroups": [""], "resources": ["namespaces", "nodes", "services"], "verbs": read},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": [*read, "create", "update"]},
        {"apiGroups": [""], "resources": ["services"], "verbs": ["create"]},
    ]
    subject = {"apiGroup": _RBAC, "kind": "User", "name": NETWORK_USER}
    metadata = {"name": NETWORK_USER, "labels": _LABELS}
    role = {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "metadata": metadata, "rules": rules}
    binding = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": NETWORK_USER},
        "subjects": [subject],
    }
    return [(CLUSTER_ROLES, role), (CLUSTER_ROLE_BINDINGS, binding)]


async def install(client: Client) -> None:
    """Creates what is missing and brings the rest up to date."""
    for gvr, obj in network_role():
        try:
            await client.create(gvr, obj)
        except StatusError as error:
            if error.reason != "AlreadyExists":
                raise
            changes = {key: value for key, value in obj.items() if key not in ("apiVersion", "kind", "roleRef")}
            await client.patch(gvr, obj["metadata"]["name"], changes, type="merge")
