"""Every node: ready, what it is, how full, when it was last heard of."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from pynetes.apimachinery import meta, times
from pynetes.cli.status.remarks import BAD, WARN, Remark

Object = dict[str, Any]

SECTION = "nodes"
_ROLE = "node-role.kubernetes.io/"
#: The node lifecycle controller's own, which say again what the conditions say.
_TOLD = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable", "node.kubernetes.io/unschedulable")


class Node(Struct, frozen=True):
    """`heartbeat`: seconds since it was last heard of. `notes`: pressures, taints, cordoned."""

    name: str
    ready: bool
    message: str
    roles: tuple[str, ...]
    version: str
    runtime: str
    addresses: tuple[str, ...]
    pods: int
    capacity: int
    heartbeat: float | None
    notes: tuple[str, ...]

    def document(self) -> Object:
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


def nodes(found: Iterable[Object], pods: Iterable[Object], leases: Mapping[str, Object], now: datetime) -> list[Node]:
    """`leases`: of kube-node-lease, by node."""
    running: dict[str, int] = {}
    for pod in pods:
        on = (pod.get("spec") or {}).get("nodeName")
        if on and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
            running[on] = running.get(on, 0) + 1
    made = [node(each, running.get(meta.name(each), 0), leases.get(meta.name(each)), now) for each in found]
    return sorted(made, key=lambda each: (not each.roles, each.name))


def node(found: Object, pods: int, lease: Object | None, now: datetime) -> Node:
    status = found.get("status") or {}
    info, conditions = status.get("nodeInfo") or {}, status.get("conditions") or []
    ready = meta.get_condition(conditions, "Ready") or {}
    roles = sorted(label.removeprefix(_ROLE) for label in meta.labels(found) if label.startswith(_ROLE))
    addresses = [each["address"] for each in status.get("addresses") or () if each.get("type") == "InternalIP"]
    beats = [((lease or {}).get("spec") or {}).get("renewTime"), ready.get("lastHeartbeatTime")]
    ages = [(now - times.parse_time(beat)).total_seconds() for beat in beats if beat]
    return Node(
        name=meta.name(found),
        ready=ready.get("status") == "True",
        message="" if ready.get("status") == "True" else _why(ready),
        roles=tuple(roles),
        version=info.get("kubeletVersion", ""),
        runtime=info.get("containerRuntimeVersion", ""),
        addresses=tuple(addresses),
        pods=pods,
        capacity=int((status.get("allocatable") or {}).get("pods") or 0),
        heartbeat=max(0.0, min(ages)) if ages else None,
        notes=tuple(_notes(found, conditions)),
    )


def _why(ready: Object) -> str:
    return str(ready.get("message") or ready.get("reason") or "it reports no conditions yet")


def _notes(found: Object, conditions: list[Object]) -> Iterable[str]:
    spec = found.get("spec") or {}
    if spec.get("unschedulable"):
        yield "cordoned"
    for condition in conditions:
        if condition.get("type") != "Ready" and condition.get("status") == "True":
            yield str(condition["type"])
    for taint in spec.get("taints") or ():
        if taint["key"] not in _TOLD and not taint["key"].endswith("-pressure"):
            yield f"{taint['key'].rpartition('/')[2]}:{taint['effect']}"


def remarks(found: list[Node]) -> list[Remark]:
    said = []
    for each in found:
        if not each.ready:
            silent = each.heartbeat is not None and each.heartbeat > 40
            ago = f", silent for {times.human_duration(each.heartbeat or 0)}" if silent else ""
            remedy = "see to the machine: is it on, is its link up?" if silent else f"kubectl describe node {each.name}"
            what = f"{each.name} is not ready{ago}: {each.message}"
            said.append(Remark(BAD, SECTION, what, remedy, about=each.name))
        for note in each.notes:
            if note.endswith("Pressure"):
                said.append(Remark(BAD, SECTION, f"{each.name}: {note}", f"kubectl describe node {each.name}"))
            elif note == "cordoned":
                remedy = f"kubectl uncordon {each.name}"
                said.append(Remark(WARN, SECTION, f"{each.name} is cordoned: it takes no new pods", remedy))
    if not found:
        said.append(
            Remark(WARN, SECTION, "there are no nodes yet", "`pynetes token create --print-join-command` adds one")
        )
    return said
