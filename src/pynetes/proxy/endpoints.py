"""Which of a Service's endpoints traffic may reach: readiness, termination, topology. Pure."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, field

from pynetes.proxy.node import ThisNode

Object = dict[str, Any]


class Endpoint(Struct, frozen=True, order=True):
    """One address that serves a port. `local`: it is on this node."""

    ip: str
    port: int
    local: bool = False


class Candidate(Struct, frozen=True):
    """An endpoint with its conditions and topology hints."""

    endpoint: Endpoint
    ready: bool
    serving: bool
    terminating: bool
    zones: frozenset[str] = field(default_factory=frozenset)
    nodes: frozenset[str] = field(default_factory=frozenset)


def candidates(slices: Iterable[Object], port_name: str, protocol: str, node: ThisNode) -> list[Candidate]:
    """All endpoints of a port, one for each address.

    Two may claim an address: one that moves between slices, or a new pod that got it before the last holder's object
    was gone. Then the one that does not terminate counts.
    """
    found: dict[Endpoint, Candidate] = {}
    for slice_ in slices:
        numbers = [
            port["port"]
            for port in slice_.get("ports") or ()
            if port.get("name", "") == port_name and port.get("protocol", "TCP") == protocol and port.get("port")
        ]
        for entry in slice_.get("endpoints") or ():
            if not numbers or not entry.get("addresses"):
                continue
            for number in numbers:
                candidate = _candidate(entry, number, node)
                if candidate.endpoint not in found or not candidate.terminating:
                    found[candidate.endpoint] = candidate
    return list(found.values())


def _candidate(entry: Object, port: int, node: ThisNode) -> Candidate:
    conditions, hints = entry.get("conditions") or {}, entry.get("hints") or {}
    return Candidate(
        # all addresses of one endpoint are the same target: only the first is used
        Endpoint(entry["addresses"][0], port, _is_local(entry, node)),
        # what is not said counts as ready, and as serving
        conditions.get("ready") is not False,
        conditions.get("serving") is not False,
        conditions.get("terminating") is True,
        frozenset(zone["name"] for zone in hints.get("forZones") or ()),
        frozenset(hinted["name"] for hinted in hints.get("forNodes") or ()),
    )


def _is_local(entry: Object, node: ThisNode) -> bool:
    return bool(node.name) and entry.get("nodeName") == node.name


def cluster_endpoints(found: Iterable[Candidate], node: ThisNode) -> tuple[Endpoint, ...]:
    """For the policy Cluster: the ready ones that topology wants; if none is ready, those that serve while they end."""
    found = list(found)
    ready = [c for c in found if c.ready]
    return _sorted(_preferred(ready, node) or _ending(found))


def local_endpoints(found: Iterable[Candidate]) -> tuple[Endpoint, ...]:
    """For the policy Local: this node's, by the same rule; topology has no say."""
    here = [c for c in found if c.endpoint.local]
    return _sorted([c for c in here if c.ready] or _ending(here))


def _preferred(ready: list[Candidate], node: ThisNode) -> list[Candidate]:
    """Those hinted for this node, or its zone. Hints count if every endpoint has some, and if there is one for us."""
    if ready and all(c.nodes for c in ready):
        ours = [c for c in ready if node.name in c.nodes]
        if ours:
            return ours
    if ready and all(c.zones for c in ready):
        ours = [c for c in ready if node.zone in c.zones]
        if ours:
            return ours
    return ready


def _ending(found: Iterable[Candidate]) -> list[Candidate]:
    return [c for c in found if c.serving and c.terminating]


def _sorted(found: Iterable[Candidate]) -> tuple[Endpoint, ...]:
    return tuple(sorted(c.endpoint for c in found))


def local_ready(slices: Iterable[Object], node: ThisNode) -> int:
    """How many addresses of this node are ready, on whichever port: what load balancers are told."""
    found: dict[str, bool] = {}
    for slice_ in slices:
        for entry in slice_.get("endpoints") or ():
            if slice_.get("ports") and entry.get("addresses") and _is_local(entry, node):
                ready = (entry.get("conditions") or {}).get("ready") is not False
                found[entry["addresses"][0]] = found.get(entry["addresses"][0], False) or ready
    return sum(found.values())
