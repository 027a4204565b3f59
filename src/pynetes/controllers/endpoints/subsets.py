"""The subsets of an Endpoints object: ports that share one set of addresses stand together."""

import ipaddress
from typing import Any

from pynetes.apimachinery import meta
from pynetes.controllers.endpoints import membership
from pynetes.controllers.podcontrol import state

Object = dict[str, Any]

MANAGED_BY = "endpoints.kubernetes.io/managed-by"
CONTROLLER = "endpoint-controller"
HEADLESS = "service.kubernetes.io/headless"
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"
MAX_ADDRESSES = 1000

_Member = tuple[tuple[int, str], bool]


def build(service: Object, pods: list[Object]) -> list[Object]:
    """The subsets for a Service's pods, in a stable order."""
    publish = bool(service["spec"].get("publishNotReadyAddresses"))
    family = membership.families(service)[0]
    details: dict[tuple[int, str], Object] = {}
    by_port: dict[tuple[tuple[str, Any], ...], set[_Member]] = {}
    for pod in pods:
        if not membership.may_be_endpoint(pod, include_terminating=publish):
            continue
        found = membership.addresses(pod, family)
        if not found:
            continue
        key = (int(ipaddress.ip_address(found[0])), meta.uid(pod))
        details[key] = _address(service, pod, found[0])
        for port in _ports(service, pod):
            by_port.setdefault(port, set()).add((key, publish or state.is_ready(pod)))
    return _pack(by_port, details)


def _ports(service: Object, pod: Object) -> list[tuple[tuple[str, Any], ...]]:
    """Hashable ports; one of nothing for a headless Service without any."""
    if not service["spec"].get("ports"):
        return [()] if service["spec"].get("clusterIP") == "None" else []
    return [tuple(entry.items()) for entry in membership.ports(service, pod)]


def _address(service: Object, pod: Object, ip: str) -> Object:
    out: Object = {"ip": ip}
    name = membership.hostname(pod, service)
    if name:
        out["hostname"] = name
    node = (pod.get("spec") or {}).get("nodeName")
    if node:
        out["nodeName"] = node
    out["targetRef"] = membership.target_reference(pod)
    return out


def _pack(
    by_port: dict[tuple[tuple[str, Any], ...], set[_Member]], details: dict[tuple[int, str], Object]
) -> list[Object]:
    by_members: dict[frozenset[_Member], list[tuple[tuple[str, Any], ...]]] = {}
    for port, members in by_port.items():
        by_members.setdefault(frozenset(members), []).append(port)
    subsets = []
    for together, shared in by_members.items():
        ordered = sorted(together)
        subset: Object = {}
        ready = [details[key] for key, is_ready in ordered if is_ready]
        waiting = [details[key] for key, is_ready in ordered if not is_ready]
        if ready:
            subset["addresses"] = ready
        if waiting:
            subset["notReadyAddresses"] = waiting
        listed = [{k: v for k, v in port if v != ""} for port in shared if port]
        if listed:
            subset["ports"] = sorted(listed, key=_port_order)
        subsets.append(subset)
    return sorted(subsets, key=lambda s: [_port_order(p) for p in s.get("ports", [])])


def _port_order(port: Object) -> tuple[str, int, str]:
    return port.get("name", ""), port["port"], port["protocol"]


def truncate(subsets: list[Object]) -> tuple[list[Object], bool]:
    """At most 1000 addresses, the ready ones first, shared between subsets by their size; whether some were dropped."""
    total_ready = sum(len(s.get("addresses", ())) for s in subsets)
    total_waiting = sum(len(s.get("notReadyAddresses", ())) for s in subsets)
    if total_ready + total_waiting <= MAX_ADDRESSES:
        return subsets, False
    ready_room = min(total_ready, MAX_ADDRESSES)
    waiting_room = MAX_ADDRESSES - ready_room
    out = []
    for subset in subsets:
        kept = dict(subset)
        for field, room, total in (
            ("addresses", ready_room, total_ready),
            ("notReadyAddresses", waiting_room, total_waiting),
        ):
            if field in kept:
                kept[field] = kept[field][: len(kept[field]) * room // total]
                if not kept[field]:
                    del kept[field]
        if "addresses" in kept or "notReadyAddresses" in kept:
            out.append(kept)
    return out, True


def labels(service: Object) -> dict[str, str]:
    """The Service's own, and what marks the object as the controller's."""
    out = {k: v for k, v in meta.labels(service).items() if k != HEADLESS}
    if membership.is_headless(service):
        out[HEADLESS] = ""
    out[MANAGED_BY] = CONTROLLER
    return out


def desired(service: Object, pods: list[Object], current: Object | None) -> Object | None:
    """The Endpoints object to write, or None if `current` is right."""
    subsets, truncated = truncate(build(service, pods))
    wanted = labels(service)
    if current is not None:
        marked = OVER_CAPACITY in meta.annotations(current)
        if (current.get("subsets") or []) == subsets and meta.labels(current) == wanted and marked == truncated:
            return None
        out: Object = meta.copy(current)
    else:
        metadata = {"name": meta.name(service), "namespace": meta.namespace(service)}
        out = {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata}
    out["metadata"]["labels"] = wanted
    notes = {k: v for k, v in meta.annotations(out).items() if k != OVER_CAPACITY}
    if truncated:
        notes[OVER_CAPACITY] = "truncated"
    out["metadata"]["annotations"] = notes
    out["subsets"] = subsets
    return out
