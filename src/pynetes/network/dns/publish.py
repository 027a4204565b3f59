"""Makes this node's DNS server an endpoint of the Service `kube-dns`.

The Service has no selector: its endpoints are processes on nodes, not pods. Each server keeps one EndpointSlice of its
own, which its Node owns: the garbage collector removes it with a node that is gone for good.
"""

import logging
from typing import Any

from msgspec import Struct

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import ENDPOINT_SLICES, NODES, SERVICES
from pynetes.client.rest import Client

log = logging.getLogger(__name__)

NAMESPACE, NAME = "kube-system", "kube-dns"
_LABELS = {"k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS"}


class Published(Struct, frozen=True):
    cluster_ip: str
    node_name: str
    address: str
    port: int


def service(published: Published) -> dict[str, Any]:
    def port(name: str, protocol: str) -> dict[str, Any]:
        return {"name": name, "port": 53, "protocol": protocol, "targetPort": published.port}

    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": NAME, "namespace": NAMESPACE, "labels": dict(_LABELS)},
        "spec": {"clusterIP": published.cluster_ip, "ports": [port("dns", "UDP"), port("dns-tcp", "TCP")]},
    }


def endpoint_slice(published: Published) -> dict[str, Any]:
    labels = {
        "kubernetes.io/service-name": NAME,
        "endpointslice.kubernetes.io/managed-by": "dns.pynetes",
        "k8s-app": "kube-dns",
    }
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{NAME}-{published.node_name}", "namespace": NAMESPACE, "labels": labels},
        "addressType": "IPv4",
        "ports": [
            {"name": "dns", "port": published.port, "protocol": "UDP"},
            {"name": "dns-tcp", "port": published.port, "protocol": "TCP"},
        ],
        "endpoints": [
            {
                "addresses": [published.address],
                "conditions": {"ready": True, "serving": True, "terminating": False},
                "nodeName": published.node_name,
                # Every node asks its own server: another's may be gone with its node, and nobody would tell.
                "hints": {"forNodes": [{"name": published.node_name}]},
            }
        ],
    }


async def publish(client: Client, published: Published) -> None:
    """Creates what is missing; brings this server's own slice up to date."""
    try:
        await client.get(SERVICES, NAME, NAMESPACE)
    except StatusError as error:
        if error.code != 404:
            raise
        await _create(client, SERVICES, service(published))
    wanted = endpoint_slice(published)
    wanted["metadata"]["ownerReferences"] = await _owners(client, published.node_name)
    try:
        current = await client.get(ENDPOINT_SLICES, wanted["metadata"]["name"], NAMESPACE)
    except StatusError as error:
        if error.code != 404:
            raise
        await _create(client, ENDPOINT_SLICES, wanted)
        return
    same = current["metadata"].get("ownerReferences", []) == wanted["metadata"]["ownerReferences"]
    if not same or any(current.get(field) != wanted[field] for field in ("ports", "endpoints")):
        await client.update(ENDPOINT_SLICES, {**wanted, "metadata": {**current["metadata"], **wanted["metadata"]}})


async def _owners(client: Client, node_name: str) -> list[dict[str, Any]]:
    """None before the kubelet has registered the node: names are answered all the same, and it is asked again."""
    try:
        node = await client.get(NODES, node_name)
    except StatusError as error:
        if error.code != 404:
            raise
        return []
    return [{"apiVersion": "v1", "kind": "Node", "name": node_name, "uid": node["metadata"]["uid"]}]


async def _create(client: Client, gvr: Any, obj: dict[str, Any]) -> None:
    try:
        await client.create(gvr, obj)
    except StatusError as error:
        if error.reason != "AlreadyExists":  # another server was faster
            raise
