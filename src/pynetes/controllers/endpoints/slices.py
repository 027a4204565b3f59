"""A Service's EndpointSlices: what to create, update and delete so that as few objects as possible change.

Endpoints of one set of port numbers share slices of at most `limit`. Gone endpoints are removed where they are, changed
ones changed in place; new ones go into slices that change anyway, then into the fullest slice they fit in, then into
new slices. An unneeded slice is reused in place of a new one.
"""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, field

from pynetes.apimachinery import meta
from pynetes.controllers.endpoints import hints, membership, topology
from pynetes.controllers.podcontrol import state

Object = dict[str, Any]
Endpoints = dict[tuple[Any, ...], Object]

SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
CONTROLLER = "endpointslice-controller.k8s.io"
HEADLESS = "service.kubernetes.io/headless"
_RESERVED = frozenset((SERVICE_NAME, MANAGED_BY, HEADLESS))


class Plan(Struct):
    """Whole objects to write. `errors` tell what had to be left out and is worth another look.

    `topology`, of a Service that asks for hints by topology: address type → why it cannot have them, empty if it has.
    """

    create: list[Object] = field(default_factory=list)
    update: list[Object] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    topology: dict[str, str] = field(default_factory=dict)


class _Group(Struct):
    """The endpoints of one set of ports."""

    ports: list[Object]
    endpoints: Endpoints = field(default_factory=dict)


def plan(
    service: Object, pods: list[Object], existing: list[Object], nodes: dict[str, Object], limit: int = 100
) -> Plan:
    """What to write so that `existing` (the controller's slices of this Service) say where `pods` are."""
    out = Plan()
    families = membership.families(service)
    out.delete += [s for s in existing if s["addressType"] not in families]
    for family in families:
        _plan_family(service, pods, [s for s in existing if s["addressType"] == family], nodes, family, limit, out)
    return out


def _plan_family(
    service: Object,
    pods: list[Object],
    existing: list[Object],
    nodes: dict[str, Object],
    family: str,
    limit: int,
    out: Plan,
) -> None:
    own = [s for s in existing if meta.is_controlled_by(s, service)]
    delete = [s for s in existing if not meta.is_controlled_by(s, service)]
    groups = _groups(service, pods, nodes, family, out)
    by_ports: dict[Any, list[Object]] = {}
    for slice_ in own:
        by_ports.setdefault(port_key(slice_.get("ports") or []), []).append(slice_)
    create: list[Object] = []
    update: list[Object] = []
    for key, group in groups.items():
        _plan_group(service, family, group, by_ports.pop(key, []), limit, create, update, delete)
    delete += [s for slices in by_ports.values() for s in slices]
    if len(existing) == len(delete) and not create:
        _keep_placeholder(service, family, create, update, delete)
    _reuse(create, update, delete)
    touched = {meta.uid(s) for s in (*update, *delete)}
    unchanged = [s for s in own if meta.uid(s) not in touched]
    if topology.is_auto(service):
        create, update = _with_topology(create, update, unchanged, nodes, family, out)
    else:
        create, update = _with_hints(service, create, update, unchanged)
    out.create += create
    out.update += update
    out.delete += delete


def _groups(service: Object, pods: list[Object], nodes: dict[str, Object], family: str, out: Plan) -> dict[Any, _Group]:
    publish = bool(service["spec"].get("publishNotReadyAddresses"))
    groups: dict[Any, _Group] = {}
    for pod in pods:
        if not membership.may_be_endpoint(pod, include_terminating=True):
            continue
        ports = membership.ports(service, pod)
        group = groups.setdefault(port_key(ports), _Group(ports))
        node = nodes.get(state.node_name(pod))
        if node is None and not publish:
            service_key = meta.key(service)
            out.errors.append(
                f"skipping Pod {meta.name(pod)} for Service {service_key}: Node {state.node_name(pod)} Not Found"
            )
            continue
        endpoint = build_endpoint(service, pod, node, family)
        if endpoint["addresses"]:
            group.endpoints[endpoint_key(endpoint)] = endpoint
    return groups


def build_endpoint(service: Object, pod: Object, node: Object | None, family: str) -> Object:
    serving, terminating = state.is_ready(pod), meta.is_deleting(pod)
    ready = bool(service["spec"].get("publishNotReadyAddresses")) or (serving and not terminating)
    endpoint: Object = {
        "addresses": membership.addresses(pod, family),
        "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
    }
    name = membership.hostname(pod, service)
    if name:
        endpoint["hostname"] = name
    if state.node_name(pod):
        endpoint["nodeName"] = state.node_name(pod)
    endpoint["targetRef"] = membership.target_reference(pod)
    zone = meta.labels(node).get(topology.ZONE) if node is not None else None
    if zone:
        endpoint["zone"] = zone
    return endpoint


def endpoint_key(endpoint: Object) -> tuple[Any, ...]:
    """What makes two endpoints the same one, though its state may differ."""
    target = endpoint.get("targetRef") or {}
    return (
        tuple(sorted(endpoint.get("addresses") or ())),
        endpoint.get("hostname") or "",
        target.get("namespace"),
        target.get("name"),
    )


def port_key(ports: Iterable[Object]) -> frozenset[tuple[Any, ...]]:
    return frozenset(
        (p.get("name") or "", p.get("port"), p.get("protocol") or "TCP", p.get("appProtocol")) for p in ports
    )


def _same(a: Object, b: Object) -> bool:
    """Equal but for hints, which are decided later."""
    return {k: v for k, v in a.items() if k != "hints"} == {k: v for k, v in b.items() if k != "hints"}


def _plan_group(
    service: Object,
    family: str,
    group: _Group,
    existing: list[Object],
    limit: int,
    create: list[Object],
    update: list[Object],
    delete: list[Object],
) -> None:
    wanted = dict(group.endpoints)
    labels = slice_labels(service)
    changed: list[tuple[Object, list[Object]]] = []
    untouched: list[tuple[Object, list[Object]]] = []
    for slice_ in existing:
        present = slice_.get("endpoints") or []
        kept, differs = _keep(present, wanted)
        if present and not kept:
            delete.append(slice_)
        elif differs or meta.labels(slice_) != labels:
            changed.append((slice_, kept))
        else:
            untouched.append((slice_, kept))
    rest = list(wanted.values())
    for _, endpoints in sorted(changed, key=lambda entry: -len(entry[1])):
        room = max(0, limit - len(endpoints))
        endpoints += rest[:room]
        rest = rest[room:]
    full = len(rest) // limit * limit
    new, rest = [rest[i : i + limit] for i in range(0, full, limit)], rest[full:]
    if rest:
        fitting = [entry for entry in untouched if len(entry[1]) + len(rest) <= limit]
        if fitting:
            chosen = max(fitting, key=lambda entry: len(entry[1]))
            chosen[1].extend(rest)
            changed.append(chosen)
        else:
            new.append(rest)
    create += [new_slice(service, family, group.ports, endpoints) for endpoints in new]
    update += [_updated(slice_, labels, endpoints) for slice_, endpoints in changed]


def _keep(present: list[Object], wanted: Endpoints) -> tuple[list[Object], bool]:
    """The endpoints of a slice that stay, as they should be (taken out of `wanted`), and whether that is a change."""
    kept, differs = [], False
    for endpoint in present:
        new = wanted.pop(endpoint_key(endpoint), None)
        if new is None:
            differs = True
        elif _same(endpoint, new):
            kept.append(endpoint)
        else:
            kept.append(new)
            differs = True
    return kept, differs


def _updated(slice_: Object, labels: dict[str, str], endpoints: list[Object]) -> Object:
    out = {**slice_, "metadata": {**slice_["metadata"], "labels": labels}}
    out["endpoints"] = endpoints
    return out


def slice_labels(service: Object) -> dict[str, str]:
    labels = {k: v for k, v in meta.labels(service).items() if k not in _RESERVED}
    if membership.is_headless(service):
        labels[HEADLESS] = ""
    labels[SERVICE_NAME] = meta.name(service)
    labels[MANAGED_BY] = CONTROLLER
    return labels


def new_slice(service: Object, family: str, ports: list[Object], endpoints: list[Object]) -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{meta.name(service)}-",
            "namespace": meta.namespace(service),
            "labels": slice_labels(service),
            "ownerReferences": [meta.owner_reference(service)],
        },
        "addressType": family,
        "endpoints": endpoints,
        "ports": ports,
    }


def _keep_placeholder(
    service: Object, family: str, create: list[Object], update: list[Object], delete: list[Object]
) -> None:
    """A Service without endpoints has one empty slice, so that consumers know it was looked at."""
    if len(delete) == 1:
        left = delete[0]
        empty = not left.get("endpoints") and not left.get("ports")
        if empty and meta.is_controlled_by(left, service):
            delete.clear()
            if meta.labels(left) != slice_labels(service):
                update.append(_updated(left, slice_labels(service), []))
            return
    create.append(new_slice(service, family, [], []))


def _reuse(create: list[Object], update: list[Object], delete: list[Object]) -> None:
    """Rewrites slices that would be deleted in place of creating others."""
    reusable = [s for s in delete if not meta.is_deleting(s)]
    while create and reusable:
        old, new = reusable.pop(0), create.pop()
        delete[:] = [s for s in delete if s is not old]
        meta_ = {**old["metadata"], "labels": new["metadata"]["labels"]}
        meta_["ownerReferences"] = new["metadata"]["ownerReferences"]
        update.append({**old, "metadata": meta_, "endpoints": new["endpoints"], "ports": new["ports"]})


def _with_hints(
    service: Object, create: list[Object], update: list[Object], unchanged: list[Object]
) -> tuple[list[Object], list[Object]]:
    """What to create and update, with the hints that the Service's trafficDistribution asks for."""
    distribution = service["spec"].get("trafficDistribution")
    out = [
        [{**s, "endpoints": hints.apply(s.get("endpoints") or [], distribution)} for s in slices]
        for slices in (create, update)
    ]
    for slice_ in unchanged:
        endpoints = slice_.get("endpoints") or []
        hinted = hints.apply(endpoints, distribution)
        if hinted != endpoints:
            out[1].append({**slice_, "endpoints": hinted})
    return out[0], out[1]


def _with_topology(
    create: list[Object],
    update: list[Object],
    unchanged: list[Object],
    nodes: dict[str, Object],
    family: str,
    out: Plan,
) -> tuple[list[Object], list[Object]]:
    """The same for a Service whose annotation asks for hints by topology."""
    try:
        made = topology.hinted(create, update, unchanged, topology.cpu_shares(nodes.values()))
    except topology.NoHintsError as error:
        out.topology[family] = str(error)
        stripped = [*update, *(s for s in unchanged if topology.has_hints(s))]
        return [topology.without(s) for s in create], [topology.without(s) for s in stripped]
    out.topology[family] = ""
    return made.create, [*made.update, *made.changed]
