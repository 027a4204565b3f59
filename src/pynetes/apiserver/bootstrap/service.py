"""The `kubernetes` Service in `default`: how pods find this server."""

import ipaddress
import logging
from typing import Any

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import ENDPOINT_SLICES, ENDPOINTS, SERVICES
from pynetes.apiserver.bootstrap.objects import create_missing
from pynetes.client.rest import Client

log = logging.getLogger(__name__)

Object = dict[str, Any]

_NAME, _NAMESPACE = "kubernetes", "default"


def first_address(cidr: str) -> str:
    """The Service's address: the first of the range."""
    return str(ipaddress.ip_network(cidr.partition(",")[0].strip())[1])


def service(cidr: str, port: int) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": _NAME,
            "namespace": _NAMESPACE,
            "labels": {"component": "apiserver", "provider": "kubernetes"},
        },
        "spec": {
            "clusterIP": first_address(cidr),
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": port}],
            "sessionAffinity": "None",
            "type": "ClusterIP",
        },
    }


def endpoints(address: str, port: int) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {
            "name": _NAME,
            "namespace": _NAMESPACE,
            "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"},
        },
        "subsets": [{"addresses": [{"ip": address}], "ports": [{"name": "https", "port": port, "protocol": "TCP"}]}],
    }


def endpoint_slice(address: str, port: int) -> Object:
    family = "IPv6" if ":" in address else "IPv4"
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": _NAME,
            "namespace": _NAMESPACE,
            "labels": {"kubernetes.io/service-name": _NAME},
        },
        "addressType": family,
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
    }


async def reconcile(client: Client, cidr: str, address: str, port: int) -> None:
    """Creates what is missing and corrects endpoints that point elsewhere.

    A server that only this machine can reach gets the Service without endpoints: loopback addresses are no endpoints.
    """
    await create_missing(client, SERVICES, service(cidr, port))
    if ipaddress.ip_address(address).is_loopback:
        return
    await _ensure(client, ENDPOINTS, endpoints(address, port), ("subsets",))
    await _ensure(client, ENDPOINT_SLICES, endpoint_slice(address, port), ("endpoints", "ports"))


async def _ensure(client: Client, gvr: Any, wanted: Object, fields: tuple[str, ...]) -> None:
    await create_missing(client, gvr, wanted)
    present = await client.get(gvr, _NAME, _NAMESPACE)
    if all(_contains(present.get(field), wanted[field]) for field in fields):
        return
    try:
        await client.patch(gvr, _NAME, {field: wanted[field] for field in fields}, _NAMESPACE)
    except StatusError as error:
        # The type of addresses cannot change: the slice is made anew next time.
        log.warning("cannot correct %s %s: %s", gvr.resource, _NAME, error)
        await client.delete(gvr, _NAME, _NAMESPACE)


def _contains(present: Any, wanted: Any) -> bool:
    """Whether all that is wanted is there; defaults may have been added."""
    if isinstance(wanted, dict):
        return isinstance(present, dict) and all(_contains(present.get(k), v) for k, v in wanted.items())
    if isinstance(wanted, list):
        return (
            isinstance(present, list)
            and len(present) == len(wanted)
            and all(_contains(p, w) for p, w in zip(present, wanted, strict=True))
        )
    return bool(present == wanted)
