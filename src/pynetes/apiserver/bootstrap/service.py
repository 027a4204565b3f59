"""The `kubernetes` Service in `default`: how pods find this server."""

import ipaddress
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apis.names import ENDPOINT_SLICES, ENDPOINTS, SERVICES
from pynetes.apiserver.bootstrap.objects import create_missing
from pynetes.client.rest import Client
from pynetes.component import clock

log = logging.getLogger(__name__)

Object = dict[str, Any]

_NAME, _NAMESPACE = "kubernetes", "default"
_ATTEMPTS, _PAUSE = 20, 0.05


def first_address(cidr: str) -> str:
    """The Service's address: the first of the range."""
    return str(ipaddress.ip_network(cidr.partition(",")[0].strip())[1])


def service(cidr: str, port: int, node_port: int = 0) -> Object:
    served = {"name": "https", "port": 443, "protocol": "TCP", "targetPort": port}
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
            "ipFamilyPolicy": "SingleStack",
            "ports": [{**served, "nodePort": node_port} if node_port else served],
            "sessionAffinity": "None",
            "type": "NodePort" if node_port else "ClusterIP",
        },
    }


def endpoints(addresses: Sequence[str], port: int) -> Object:
    subset = {
        "addresses": [{"ip": address} for address in sorted(addresses)],
        "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {
            "name": _NAME,
            "namespace": _NAMESPACE,
            "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"},
        },
        "subsets": [subset] if addresses else [],
    }


def endpoint_slice(addresses: Sequence[str], port: int) -> Object:
    family = "IPv6" if any(":" in address for address in addresses) else "IPv4"
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": _NAME,
            "namespace": _NAMESPACE,
            "labels": {"kubernetes.io/service-name": _NAME},
        },
        "addressType": family,
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in sorted(addresses)],
        "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
    }


async def ensure(client: Client, cidr: str, port: int, node_port: int = 0) -> None:
    """Creates the Service if it is missing."""
    try:
        await create_missing(client, SERVICES, service(cidr, port, node_port))
    except StatusError as error:
        if error.reason != "Invalid":
            raise
        # Another server that makes it at the same time has its address, and is about to have it.
        await _appearance(client)


async def _appearance(client: Client) -> None:
    """Returns when the Service is there; StatusError if it does not come."""
    for attempt in range(_ATTEMPTS):
        try:
            await client.get(SERVICES, _NAME, _NAMESPACE)
            return
        except StatusError as error:
            if error.code != 404 or attempt + 1 == _ATTEMPTS:
                raise
        await clock.sleep(_PAUSE)


async def ensure_endpoints(client: Client, living: Callable[[], Awaitable[Sequence[str]]], port: int) -> None:
    """Creates what is missing and corrects endpoints that are others than the `living` servers.

    They are asked for after the object is read: of several servers that write at once, none puts back what is over.
    """

    async def wanted(make: Callable[[Sequence[str], int], Object]) -> Object:
        return make(await living(), port)

    while not await _ensure(client, ENDPOINTS, partial(wanted, endpoints), ("subsets",)):
        log.debug("another server writes the endpoints")
    while not await _ensure(client, ENDPOINT_SLICES, partial(wanted, endpoint_slice), ("endpoints", "ports")):
        log.debug("another server writes the endpoint slice")


async def _ensure(
    client: Client, gvr: GroupVersionResource, wanted: Callable[[], Awaitable[Object]], fields: tuple[str, ...]
) -> bool:
    """False if another server came first."""
    await create_missing(client, gvr, await wanted())
    present = await client.get(gvr, _NAME, _NAMESPACE)
    made = await wanted()
    if all(_contains(present.get(field) or [], made[field]) for field in fields):
        return True
    if made.get("addressType") != present.get("addressType"):  # which cannot change: the slice is made anew
        await client.delete(gvr, _NAME, _NAMESPACE)
        return False
    try:
        await client.update(gvr, {**present, **{field: made[field] for field in fields}})
    except StatusError as error:
        if error.reason not in ("Conflict", "NotFound"):
            raise
        return False
    return True


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
