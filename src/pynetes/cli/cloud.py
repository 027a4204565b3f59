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


def rights() -> list[tuple[GroupVersionResource, Object]]:
    """The manager's user may do what upstream's controllers and those of the provider `local` need."""
    from pynetes.cloud import providers
    from pynetes.cloud.rights import rules

    name = CLOUD_CONTROLLER_MANAGER_USER
    metadata = {"name": name, "labels": _LABELS}
    may = rules(providers.load("local"))
    role = {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "metadata": metadata, "rules": may}
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
