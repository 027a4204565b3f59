"""Objects of our own that a cluster needs beside upstream's bootstrap policy: rights of the network and of joining
nodes, and what a joining node reads."""

from collections.abc import Collection, Iterable
from functools import partial
from typing import Any

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apis.core.bootstrap_token import INFO_KEY, INFO_NAME, INFO_NAMESPACE
from pynetes.apis.names import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, CONFIG_MAPS, ROLE_BINDINGS, ROLES
from pynetes.cli import join, readiness
from pynetes.cli.settings import Settings
from pynetes.cli.tokens import DEFAULT_GROUP
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component.pki import NETWORK_USER, NODES_GROUP

Object = dict[str, Any]
Owned = tuple[GroupVersionResource, Object]

_LABELS = {"app.kubernetes.io/managed-by": "pynetes"}
_RBAC = "rbac.authorization.k8s.io"
_PATIENCE = 60.0
_SERVING_APPROVER = "kubelet-serving-approver"
JOINING = (INFO_NAME, join.SETTINGS_NAME)


def subject(kind: str, name: str) -> Object:
    if kind == "ServiceAccount":
        return {"kind": kind, "name": name, "namespace": "kube-system"}
    return {"apiGroup": _RBAC, "kind": kind, "name": name}


def role(name: str, rules: list[Object], namespace: str = "") -> Owned:
    kind, gvr = ("Role", ROLES) if namespace else ("ClusterRole", CLUSTER_ROLES)
    return gvr, {"apiVersion": f"{_RBAC}/v1", "kind": kind, "metadata": _metadata(name, namespace), "rules": rules}


def binding(name: str, role: str, *subjects: Object, namespace: str = "") -> Owned:
    kind, gvr = ("RoleBinding", ROLE_BINDINGS) if namespace else ("ClusterRoleBinding", CLUSTER_ROLE_BINDINGS)
    reference = {"apiGroup": _RBAC, "kind": kind.removesuffix("Binding"), "name": role}
    return gvr, {
        "apiVersion": f"{_RBAC}/v1",
        "kind": kind,
        "metadata": _metadata(name, namespace),
        "roleRef": reference,
        "subjects": list(subjects),
    }


def _metadata(name: str, namespace: str) -> Object:
    metadata = {"name": name, "labels": _LABELS}
    return {**metadata, "namespace": namespace} if namespace else metadata


def network_role() -> list[Owned]:
    """What the pod network and the DNS server may do: read what they serve, publish the DNS server.

    A node that joined has one certificate: its network and proxy act as the node.
    """
    read = ["get", "list", "watch"]
    rules: list[Object] = [
        {"apiGroups": [""], "resources": ["namespaces", "nodes", "services"], "verbs": read},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": [*read, "create", "update"]},
        {"apiGroups": [""], "resources": ["services"], "verbs": ["create"]},
    ]
    nodes = subject("Group", NODES_GROUP)
    return [
        role(NETWORK_USER, rules),
        binding(NETWORK_USER, NETWORK_USER, subject("User", NETWORK_USER), nodes),
        binding("pynetes:node-proxier", "system:node-proxier", nodes),
    ]


def bootstrap_rights() -> list[Owned]:
    """Who holds a token for nodes gets a node's certificate; nodes renew theirs."""
    csr, signers = "certificates.k8s.io", "system:certificates.k8s.io:certificatesigningrequests"
    holders, approver = subject("Group", DEFAULT_GROUP), subject("ServiceAccount", _SERVING_APPROVER)
    approve: list[Object] = [
        {"apiGroups": [csr], "resources": ["certificatesigningrequests/approval"], "verbs": ["update"]},
        {
            "apiGroups": [csr],
            "resources": ["signers"],
            "resourceNames": ["kubernetes.io/kubelet-serving"],
            "verbs": ["approve"],
        },
    ]
    return [
        binding("pynetes:kubelet-bootstrap", "system:node-bootstrapper", holders),
        binding("pynetes:node-autoapprove-bootstrap", f"{signers}:nodeclient", holders),
        binding(
            "pynetes:node-autoapprove-certificate-rotation", f"{signers}:selfnodeclient", subject("Group", NODES_GROUP)
        ),
        role(f"pynetes:{_SERVING_APPROVER}", approve),
        binding(f"pynetes:{_SERVING_APPROVER}", f"pynetes:{_SERVING_APPROVER}", approver),
    ]


def servers_role() -> list[Owned]:
    """Every client of the cluster may know its API servers."""
    name, namespace = "pynetes:servers", "default"
    rule = {
        "apiGroups": ["discovery.k8s.io"],
        "resources": ["endpointslices"],
        "resourceNames": ["kubernetes"],
        "verbs": ["get", "list", "watch"],
    }
    everybody = subject("Group", "system:authenticated")
    return [role(name, [rule], namespace), binding(name, name, everybody, namespace=namespace)]


def join_information(settings: Settings, authority: bytes) -> list[Owned]:
    """`cluster-info` for everybody, the cluster's settings for whoever holds a token."""

    def readable(name: str, namespace: str, *subjects: Object) -> list[Owned]:
        rule = {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [name], "verbs": ["get"]}
        return [
            role(f"pynetes:{name}", [rule], namespace),
            binding(f"pynetes:{name}", f"pynetes:{name}", *subjects, namespace=namespace),
        ]

    def config_map(name: str, namespace: str, data: dict[str, str]) -> Owned:
        metadata = _metadata(name, namespace)
        return CONFIG_MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}

    shared = {join.SETTINGS_KEY: join.shared_settings(settings)}
    return [
        config_map(INFO_NAME, INFO_NAMESPACE, {INFO_KEY: join.cluster_info(settings.server, authority)}),
        config_map(join.SETTINGS_NAME, "kube-system", shared),
        *readable(INFO_NAME, INFO_NAMESPACE, subject("User", "system:anonymous")),
        *readable(join.SETTINGS_NAME, "kube-system", subject("Group", DEFAULT_GROUP), subject("Group", NODES_GROUP)),
    ]


async def install(client: Client, settings: Settings, authority: bytes) -> None:
    """Creates what is missing and brings the rest up to date."""
    await ensure(client, [*network_role(), *servers_role(), *bootstrap_rights()])
    # a further control plane leaves the first one's word as it is
    await ensure(client, join_information(settings, authority), but=JOINING if settings.joined else ())


async def ensure(client: Client, wanted: Iterable[Owned], *, but: Collection[str] = ()) -> None:
    """Creates what is missing and brings the rest up to date; `but`: names of those that are left as they are.

    NotReady if the API server is for long in no state to do it: its store may just elect a leader.
    """
    for owned in wanted:
        await readiness.wait_until(partial(_ensured, client, owned, but), seconds=_PATIENCE, note=lambda _: None)


async def _ensured(client: Client, owned: Owned, but: Collection[str]) -> str:
    """Empty once it is done, else why nobody knows whether it is: the same once more does no harm."""
    try:
        await _ensure(client, *owned, but)
    except TransportError as error:
        return str(error)
    except StatusError as error:
        if error.code < 500:
            raise
        return str(error)
    return ""


async def _ensure(client: Client, gvr: GroupVersionResource, obj: dict[str, Any], but: Collection[str]) -> None:
    try:
        await client.create(gvr, obj)
    except StatusError as error:
        if error.reason != "AlreadyExists":
            raise
        metadata = obj["metadata"]
        if metadata["name"] not in but:
            changes = {key: value for key, value in obj.items() if key not in ("apiVersion", "kind", "roleRef")}
            await client.patch(gvr, metadata["name"], changes, metadata.get("namespace"), type="merge")
