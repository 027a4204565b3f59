"""Who has which cluster IP and node port, for all API servers on a store: a key for each, created by its first taker.

A cluster IP's key is its IPAddress object, as upstream's allocator keeps them; node ports have keys that no API shows.
What a server left behind when it died between two writes is found and mended (`repair`).
"""

import asyncio
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import orjson
from msgspec import Struct, field

from pynetes.apimachinery.times import format_time, parse_time
from pynetes.apis.networking.addresses import MANAGED_BY, OF_SERVICES
from pynetes.apiserver.encoding import stored_bytes
from pynetes.apiserver.registry.services import families
from pynetes.component import clock
from pynetes.component.uids import new_uid
from pynetes.storage import KeyExists, KeyValue, RevisionConflict, Store

log = logging.getLogger(__name__)

Object = dict[str, Any]

ADDRESSES, PORTS = "/registry/networking.k8s.io/ipaddresses/", "/registry/ranges/servicenodeports/"
#: A claim is older than its Service by the time between two writes; upstream waits as long before it takes it away.
GRACE_SECONDS = 60.0


class Holdings(Struct):
    """What one Service holds, or all together."""

    addresses: set[str] = field(default_factory=set)
    ports: set[int] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.addresses or self.ports)

    def __sub__(self, other: "Holdings") -> "Holdings":
        return Holdings(self.addresses - other.addresses, self.ports - other.ports)

    def keys(self) -> list[str]:
        return [*(ADDRESSES + address for address in self.addresses), *(f"{PORTS}{port}" for port in self.ports)]


def holdings(spec: Object) -> Holdings:
    """What a Service with this spec holds."""
    held = Holdings()
    if families.needs_cluster_ip(spec) and not families.is_headless(spec):
        held.addresses = {address for address in spec.get("clusterIPs") or [] if address}
    if spec.get("type") in ("NodePort", "LoadBalancer"):
        held.ports = {port["nodePort"] for port in spec.get("ports") or [] if port.get("nodePort")}
    if families.needs_health_check(spec) and spec.get("healthCheckNodePort"):
        held.ports.add(spec["healthCheckNodePort"])
    return held


def _holdings_of(keys: Iterable[str]) -> Holdings:
    found = Holdings()
    for key in keys:
        if key.startswith(ADDRESSES):
            found.addresses.add(key.removeprefix(ADDRESSES))
        else:
            found.ports.add(int(key.removeprefix(PORTS)))
    return found


class Claims:
    """The keys. All verbs may raise StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def take(self, service: Object, wanted: Holdings) -> Holdings:
        """Claims what is free; what others have is returned."""
        keys = wanted.keys()
        taken = await asyncio.gather(*(self._create(key, service) for key in keys))
        return _holdings_of(key for key, done in zip(keys, taken, strict=True) if not done)

    async def _create(self, key: str, service: Object) -> bool:
        try:
            await self._store.create(key, _value(key, service))
        except KeyExists:
            return False
        return True

    async def release(self, service: Object, held: Holdings) -> None:
        """Gives back what is this Service's."""
        await asyncio.gather(*(self._delete(key, _owner(service)) for key in held.keys()))  # noqa: SIM118 (no mapping)

    async def _delete(self, key: str, owner: str) -> None:
        found, _ = await self._store.get(key)
        if found is not None and _owner_in(found) == owner:
            await self._remove(found)

    async def _remove(self, found: KeyValue) -> None:
        try:
            await self._store.delete(found.key, expected=found.mod_revision)
        except RevisionConflict:
            log.debug("%s was given back already", found.key)

    async def all(self) -> dict[str, KeyValue]:
        """Every claim by its key."""
        addresses, ports = await self._store.list(ADDRESSES), await self._store.list(PORTS)
        return {kv.key: kv for kv in (*addresses.items, *ports.items)}

    async def held(self) -> Holdings:
        return _holdings_of(await self.all())

    async def repair(self, services: Callable[[], Awaitable[Iterable[Object]]]) -> None:
        """Makes the claims those that the Services need. `services` gives them all, as they are when it is called."""
        claims = await self.all()
        found = await services()
        needed = {key: service for service in found for key in holdings(service.get("spec") or {}).keys()}  # noqa: SIM118
        for key in needed.keys() - claims.keys():
            log.info("%s was nobody's and is %s's", key, _owner(needed[key]))
            await self._create(key, needed[key])
        for key in claims.keys() - needed.keys():
            if _age(claims[key]) > GRACE_SECONDS and (key.startswith(PORTS) or _is_ours(claims[key])):
                log.info("%s is given back: %s does not have it", key, _owner_in(claims[key]))
                await self._remove(claims[key])


def _owner(service: Mapping[str, Any]) -> str:
    metadata = service["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata.get('name', '')}"


def _value(key: str, service: Object) -> bytes:
    if key.startswith(PORTS):
        return orjson.dumps({"owner": _owner(service), "created": format_time(clock.now())})
    return stored_bytes(ip_address(key.removeprefix(ADDRESSES), service))


_LABELS: Object = {".": {}, "f:ipaddress.kubernetes.io/ip-family": {}, f"f:{MANAGED_BY}": {}}
_PARENT: Object = {".": {}, "f:name": {}, "f:namespace": {}, "f:resource": {}}
# It is stored with its claim, not written through the API, where its writer would be noted down.
_ENTRY = {
    "manager": "kube-apiserver",
    "operation": "Update",
    "apiVersion": "networking.k8s.io/v1",
    "fieldsType": "FieldsV1",
    "fieldsV1": {"f:metadata": {"f:labels": _LABELS}, "f:spec": {"f:parentRef": _PARENT}},
}


def ip_address(address: str, service: Object) -> Object:
    """The IPAddress object of a Service's address."""
    family = f"IPv{ipaddress.ip_address(address).version}"
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IPAddress",
        "metadata": {
            "name": address,
            "uid": new_uid(),
            "creationTimestamp": format_time(clock.now()),
            "labels": {
                "ipaddress.kubernetes.io/ip-family": family,
                MANAGED_BY: OF_SERVICES,
            },
            "managedFields": [{**_ENTRY, "time": format_time(clock.now())}],
        },
        "spec": {
            "parentRef": {
                "group": "",
                "resource": "services",
                "namespace": service["metadata"].get("namespace", ""),
                "name": service["metadata"].get("name", ""),
            }
        },
    }


def _owner_in(claim: KeyValue) -> str:
    value = orjson.loads(claim.value)
    if claim.key.startswith(PORTS):
        return str(value["owner"])
    parent = (value.get("spec") or {}).get("parentRef") or {}
    return f"{parent.get('namespace', '')}/{parent.get('name', '')}"


def _is_ours(claim: KeyValue) -> bool:
    """Whether an allocator made this IPAddress: others' are left alone."""
    labels = orjson.loads(claim.value)["metadata"].get("labels") or {}
    return bool(labels.get(MANAGED_BY) == OF_SERVICES)


def _age(claim: KeyValue) -> float:
    value = orjson.loads(claim.value)
    created = value["created"] if claim.key.startswith(PORTS) else value["metadata"]["creationTimestamp"]
    return (clock.now() - parse_time(created)).total_seconds()
