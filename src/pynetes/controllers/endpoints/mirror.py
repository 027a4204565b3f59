"""EndpointSlices that repeat an Endpoints object somebody wrote by hand, for the consumers that read slices only.

One slice for each address family and set of ports, of at most `limit` endpoints: what is beyond is left out.
"""

import ipaddress
from collections.abc import Iterator
from typing import Any

from msgspec import Struct, field

from pynetes.apimachinery import meta
from pynetes.controllers.endpoints.slices import MANAGED_BY, SERVICE_NAME, endpoint_key, port_key

Object = dict[str, Any]

CONTROLLER = "endpointslicemirroring-controller.k8s.io"
SKIP = "endpointslice.kubernetes.io/skip-mirror"
LEADER = "control-plane.alpha.kubernetes.io/leader"
_NOT_REPEATED = frozenset(
    ("endpoints.kubernetes.io/last-change-trigger-time", "kubectl.kubernetes.io/last-applied-configuration")
)


class Plan(Struct):
    """Whole objects to write; how many addresses were no IPs, and how many were beyond the limit."""

    create: list[Object] = field(default_factory=list)
    update: list[Object] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)
    invalid: int = 0
    skipped: int = 0


class _Group(Struct):
    """The endpoints of one family and set of ports."""

    family: str
    ports: list[Object]
    endpoints: dict[tuple[Any, ...], Object] = field(default_factory=dict)


def is_mirrored(endpoints: Object) -> bool:
    """Not what another controller looks after, nor what is a lock of a leader election."""
    return meta.labels(endpoints).get(SKIP) != "true" and LEADER not in meta.annotations(endpoints)


def plan(endpoints: Object, existing: list[Object], limit: int = 1000) -> Plan:
    """What to write so that `existing` (the controller's slices of this name) say what `endpoints` says."""
    out = Plan()
    groups = _groups(endpoints, limit, out)
    present: dict[tuple[Any, ...], list[Object]] = {}
    for slice_ in existing:
        present.setdefault((slice_["addressType"], port_key(slice_.get("ports") or ())), []).append(slice_)
    for key, group in groups.items():
        wanted, same = _slice(endpoints, group), present.pop(key, [])
        if not same:
            out.create.append(wanted)
            continue
        out.delete += same[1:]
        if not _says(same[0], wanted):
            out.update.append(_rewritten(same[0], wanted))
    out.delete += [slice_ for rest in present.values() for slice_ in rest]
    _reuse(out)
    return out


def _groups(endpoints: Object, limit: int, out: Plan) -> dict[tuple[Any, ...], _Group]:
    groups: dict[tuple[Any, ...], _Group] = {}
    taken: dict[Any, int] = {}
    for subset in endpoints.get("subsets") or ():
        ports = [_port(port) for port in subset.get("ports") or ()]
        set_of_ports = port_key(ports)
        for address, ready in _addresses(subset):
            found = _endpoint(address, ready)
            if found is None:
                out.invalid += 1
                continue
            if taken.get(set_of_ports, 0) >= limit:
                out.skipped += 1
                continue
            taken[set_of_ports] = taken.get(set_of_ports, 0) + 1
            family, endpoint = found
            group = groups.setdefault((family, set_of_ports), _Group(family, ports))
            group.endpoints.setdefault(endpoint_key(endpoint), endpoint)
    return groups


def _addresses(subset: Object) -> Iterator[tuple[Object, bool]]:
    for address in subset.get("addresses") or ():
        yield address, True
    for address in subset.get("notReadyAddresses") or ():
        yield address, False


def _endpoint(address: Object, ready: bool) -> tuple[str, Object] | None:
    """(address family, endpoint); None if the address is no IP."""
    try:
        ip = ipaddress.ip_address(address.get("ip") or "")
    except ValueError:
        return None
    endpoint: Object = {"addresses": [str(ip)], "conditions": {"ready": ready}}
    for name in ("hostname", "nodeName", "targetRef"):
        if address.get(name):
            endpoint[name] = address[name]
    return f"IPv{ip.version}", endpoint


def _port(port: Object) -> Object:
    out: Object = {"name": port.get("name") or "", "port": port["port"], "protocol": port.get("protocol") or "TCP"}
    if port.get("appProtocol") is not None:
        out["appProtocol"] = port["appProtocol"]
    return out


def _slice(endpoints: Object, group: _Group) -> Object:
    name = meta.name(endpoints)
    annotations = {k: v for k, v in meta.annotations(endpoints).items() if k not in _NOT_REPEATED}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{name}-",
            "namespace": meta.namespace(endpoints),
            "labels": {**meta.labels(endpoints), SERVICE_NAME: name, MANAGED_BY: CONTROLLER},
            "annotations": annotations,
            "ownerReferences": [meta.owner_reference(endpoints)],
        },
        "addressType": group.family,
        "endpoints": list(group.endpoints.values()),
        "ports": group.ports,
    }


def _says(slice_: Object, wanted: Object) -> bool:
    """Whether the slice is as it should be, whatever the order of its endpoints."""
    if meta.labels(slice_) != meta.labels(wanted) or meta.annotations(slice_) != meta.annotations(wanted):
        return False
    return _by_key(slice_) == _by_key(wanted)


def _by_key(slice_: Object) -> dict[tuple[Any, ...], Object]:
    return {endpoint_key(endpoint): endpoint for endpoint in slice_.get("endpoints") or ()}


def _rewritten(slice_: Object, wanted: Object) -> Object:
    """The slice with what `wanted` says, its identity kept."""
    own = ("labels", "annotations", "ownerReferences")
    metadata = {**slice_["metadata"], **{name: wanted["metadata"][name] for name in own}}
    return {**slice_, "metadata": metadata, "endpoints": wanted["endpoints"], "ports": wanted["ports"]}


def _reuse(out: Plan) -> None:
    """Rewrites slices that would be deleted in place of creating others of their family."""
    for wanted in list(out.create):
        old = next((s for s in out.delete if s["addressType"] == wanted["addressType"]), None)
        if old is not None:
            out.create.remove(wanted)
            out.delete.remove(old)
            out.update.append(_rewritten(old, wanted))
