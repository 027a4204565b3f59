"""How `kubectl get pods` sums up a pod."""

from typing import Any

from msgspec import Struct

from pynetes.apimachinery.meta import is_condition_true
from pynetes.apis.cells import NONE, field
from pynetes.apis.resource import AGE, NAME, Column, Object, age_since, schema_text

_COMPLETED = {
    "Succeeded": "The pod has completed successfully.",
    "Failed": "The pod failed.",
}


class _Restarts(Struct):
    """How often containers were restarted, and when last."""

    count: int = 0
    last: str = ""

    def add(self, status: Object) -> None:
        self.count += status.get("restartCount") or 0
        terminated = (status.get("lastState") or {}).get("terminated")
        if terminated:
            # RFC 3339 in UTC sorts as text.
            self.last = max(self.last, terminated.get("finishedAt") or "")

    def __str__(self) -> str:
        return f"{self.count} ({age_since(self.last)} ago)" if self.count and self.last else str(self.count)


class PodSummary(Struct):
    ready: int
    total: int
    reason: str
    restarts: _Restarts


def _is_sidecar(container: Object | None) -> bool:
    return bool(container) and (container or {}).get("restartPolicy") == "Always"


def _terminated_reason(terminated: Object) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode') or 0}"


def _initial_reason(pod: Object, status: Object) -> str:
    gated = any(
        c.get("type") == "PodScheduled" and c.get("reason") == "SchedulingGated" for c in status.get("conditions") or ()
    )
    return "SchedulingGated" if gated else str(status.get("reason") or status.get("phase") or "")


def _init_reason(state: Object, index: int, total: int) -> str:
    terminated, waiting = state.get("terminated"), state.get("waiting") or {}
    if terminated is not None:
        return "Init:" + _terminated_reason(terminated)
    if waiting.get("reason") and waiting["reason"] != "PodInitializing":
        return f"Init:{waiting['reason']}"
    return f"Init:{index}/{total}"


def summarize(pod: Object) -> PodSummary:
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    init_containers = {c.get("name"): c for c in spec.get("initContainers") or ()}
    total = len(spec.get("containers") or ()) + sum(map(_is_sidecar, init_containers.values()))
    out = PodSummary(0, total, _initial_reason(pod, status), _Restarts())
    sidecar_restarts = _Restarts()
    initializing = False
    for index, own in enumerate(status.get("initContainerStatuses") or ()):
        out.restarts.add(own)
        sidecar = _is_sidecar(init_containers.get(own.get("name")))
        if sidecar:
            sidecar_restarts.add(own)
        state = own.get("state") or {}
        terminated = state.get("terminated")
        if terminated is not None and not terminated.get("exitCode"):
            continue
        if sidecar and own.get("started"):
            out.ready += bool(own.get("ready"))
            continue
        out.reason = _init_reason(state, index, len(init_containers))
        initializing = True
        break
    if not initializing or is_condition_true(status.get("conditions"), "Initialized"):
        out.restarts = sidecar_restarts
        _add_containers(out, status)
    _consider_deletion(out, pod, status)
    return out


def _add_containers(out: PodSummary, status: Object) -> None:
    running = False
    error = ""
    for own in reversed(status.get("containerStatuses") or []):
        out.restarts.add(own)
        state = own.get("state") or {}
        waiting, terminated = state.get("waiting") or {}, state.get("terminated")
        if waiting.get("reason"):
            out.reason = waiting["reason"]
        elif terminated is not None:
            out.reason = _terminated_reason(terminated)
            if terminated.get("exitCode"):
                error = out.reason
        elif own.get("ready") and state.get("running") is not None:
            running = True
            out.ready += 1
    if out.reason != "Completed":
        return
    if running and is_condition_true(status.get("conditions"), "Ready"):
        out.reason = "Running"
    elif error:
        out.reason = error
    elif running:
        out.reason = "NotReady"


def _consider_deletion(out: PodSummary, pod: Object, status: Object) -> None:
    if not pod["metadata"].get("deletionTimestamp"):
        return
    if status.get("reason") == "NodeLost":
        out.reason = "Unknown"
    elif status.get("phase") not in ("Succeeded", "Failed"):
        out.reason = "Terminating"


def _ready(pod: Object) -> str:
    summary = summarize(pod)
    return f"{summary.ready}/{summary.total}"


def _pod_ip(pod: Object) -> str:
    ips = (pod.get("status") or {}).get("podIPs") or ()
    return (ips[0].get("ip") if ips else "") or NONE


def _or_none(*path: str) -> Any:
    cell = field(*path)
    return lambda pod: cell(pod) or NONE


def _readiness_gates(pod: Object) -> str:
    gates = pod["spec"].get("readinessGates") or ()
    if not gates:
        return NONE
    status = pod.get("status") or {}
    conditions = status.get("conditions")
    true = sum(is_condition_true(conditions, gate.get("conditionType") or "") for gate in gates)
    return f"{true}/{len(gates)}"


def row_conditions(pod: Object) -> list[Object]:
    phase = (pod.get("status") or {}).get("phase")
    if phase not in _COMPLETED:
        return []
    return [{"type": "Completed", "status": "True", "reason": phase, "message": _COMPLETED[phase]}]


COLUMNS = (
    NAME,
    Column("Ready", _ready, description="The aggregate readiness state of this pod for accepting traffic."),
    Column(
        "Status",
        lambda pod: summarize(pod).reason,
        description="The aggregate status of the containers in this pod.",
    ),
    Column(
        "Restarts",
        lambda pod: str(summarize(pod).restarts),
        description="The number of times the containers in this pod have been restarted and when the last container "
        "in this pod has restarted.",
    ),
    AGE,
    Column("IP", _pod_ip, description=schema_text("core.v1.PodStatus.podIP"), priority=1),
    Column("Node", _or_none("spec", "nodeName"), description=schema_text("core.v1.PodSpec.nodeName"), priority=1),
    Column(
        "Nominated Node",
        _or_none("status", "nominatedNodeName"),
        description=schema_text("core.v1.PodStatus.nominatedNodeName"),
        priority=1,
    ),
    Column(
        "Readiness Gates",
        _readiness_gates,
        description=schema_text("core.v1.PodSpec.readinessGates"),
        priority=1,
    ),
)
