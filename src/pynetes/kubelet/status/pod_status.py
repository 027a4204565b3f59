"""The whole status of a pod, from the runtime's state and the status it had. Pure (upstream: generateAPIPodStatus)."""

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from pynetes.apimachinery import meta
from pynetes.kubelet import pod as pods
from pynetes.kubelet import pod_resources
from pynetes.kubelet.runtime import restart_policy
from pynetes.kubelet.runtime.pod_status import PodStatus
from pynetes.kubelet.status import conditions as make
from pynetes.kubelet.status.container_statuses import STATUS_FIELDS, StatusInputs, container_statuses
from pynetes.kubelet.status.phase import pod_phase

Status = dict[str, Any]


class Eviction(Struct, frozen=True):
    """Why the kubelet ends the pod (deadline, pressure)."""

    reason: str
    message: str


class Surroundings(Struct, frozen=True):
    host_ips: Sequence[str]
    update_from_probes: Callable[[Mapping[str, Any], Status], None]
    """Sets `started` and `ready`."""
    eviction: Eviction | None = None
    resize_conditions: Sequence[Mapping[str, Any]] = ()


def pod_status(
    pod: Mapping[str, Any],
    runtime: PodStatus,
    old: Status,
    inputs: StatusInputs,
    around: Surroundings,
    *,
    is_terminal: bool,
) -> Status:
    """`old` is the last status known to the kubelet (the API's, before the first)."""
    status: Status = {"phase": "Pending", "qosClass": pod_resources.qos_class(pod)}
    for kind, field in STATUS_FIELDS.items():
        if pod["spec"].get(kind):
            status[field] = container_statuses(pod, kind, runtime, old.get(field) or (), inputs)
    _set_ips(pod, status, runtime, around.host_ips)
    _set_phase(pod, status, runtime, old, around.eviction, is_terminal=is_terminal)
    around.update_from_probes(pod, status)
    status["conditions"] = _conditions(pod, status, runtime, old, around)
    return status


def all_container_statuses(status: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def _set_phase(
    pod: Mapping[str, Any],
    status: Status,
    runtime: PodStatus,
    old: Status,
    eviction: Eviction | None,
    *,
    is_terminal: bool,
) -> None:
    names = {c["name"] for c in pods.containers(pod)}
    current = runtime.sandboxes[0] if runtime.sandboxes and runtime.sandboxes[0].ready else None
    has_initialized = current is not None and any(
        c.name in names and c.sandbox_id == current.id for c in runtime.containers
    )
    from_api = pod.get("status") or {}
    phase = pod_phase(pod, all_container_statuses(status), is_terminal=is_terminal, has_initialized=has_initialized)
    # An end is an end: neither what the kubelet said nor what the API holds is taken back.
    for known in (old.get("phase"), from_api.get("phase")):
        if phase not in ("Succeeded", "Failed") and known in ("Succeeded", "Failed"):
            phase = known
    if from_api.get("phase") in ("Succeeded", "Failed"):
        phase = from_api["phase"]
    status["phase"] = phase
    if phase == old.get("phase"):
        for field in ("reason", "message"):
            if text := old.get(field) or from_api.get(field):
                status[field] = text
    if eviction is not None and from_api.get("phase") not in ("Succeeded", "Failed"):
        status.update(phase="Failed", reason=eviction.reason, message=eviction.message)


def _conditions(
    pod: Mapping[str, Any], status: Status, runtime: PodStatus, old: Status, around: Surroundings
) -> list[dict[str, Any]]:
    from_api = (pod.get("status") or {}).get("conditions") or ()
    out = [dict(c) for c in from_api if c["type"] not in make.KUBELET_CONDITIONS]
    out += [dict(c) for c in around.resize_conditions]
    if disruption := meta.get_condition(old.get("conditions"), "DisruptionTarget"):
        out = [c for c in out if c["type"] != "DisruptionTarget"] + [dict(disruption)]
    phase, statuses = status["phase"], all_container_statuses(status)
    was_initialized = meta.is_condition_true(old.get("conditions"), "Initialized")
    out.append(make.ready_to_start_containers(pod, runtime))
    out.append(make.initialized(pod, statuses, phase, was_initialized=was_initialized))
    out.append(make.ready(pod, out, statuses, phase))
    out.append(make.containers_ready(pod, statuses, phase))
    out.append(make.scheduled(pod))
    if restart_policy.could_restart_all(pod["spec"]):
        out.append(make.all_containers_restarting(pod, runtime, old, phase))
    return out


def _set_ips(pod: Mapping[str, Any], status: Status, runtime: PodStatus, host_ips: Sequence[str]) -> None:
    if host_ips:
        status["hostIP"] = host_ips[0]
        status["hostIPs"] = [{"ip": ip} for ip in host_ips[:2]]
    own = sorted_ips(runtime.ips, host_ips)
    if pods.uses_host_network(pod) and not own:
        own = list(host_ips[:2])
    if own:
        status["podIP"] = own[0]
        status["podIPs"] = [{"ip": ip} for ip in own]


def sorted_ips(ips: Sequence[str], host_ips: Sequence[str]) -> list[str]:
    """One of the node's family first, then one of the other."""
    primary = ipaddress.ip_address(host_ips[0]).version if host_ips else 4
    parsed = [ipaddress.ip_address(ip) for ip in ips]
    out = []
    for family in (primary, 10 - primary):
        found = next((ip for ip in parsed if ip.version == family), None)
        if found is not None:
            out.append(str(found))
    return out
