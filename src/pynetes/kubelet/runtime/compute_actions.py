"""What to do for a pod: a pure function from its spec and the runtime's state (upstream: computePodActions)."""

from collections.abc import Mapping
from typing import Any

from pynetes.kubelet import pod as pods
from pynetes.kubelet.runtime import resize, restart_policy
from pynetes.kubelet.runtime.actions import (
    Kill,
    KillReason,
    PodActions,
    ProbeView,
    Reset,
    definition_changed,
    unknown_state_kill,
)
from pynetes.kubelet.runtime.init_actions import compute_init_actions
from pynetes.kubelet.runtime.pod_status import (
    ContainerStatus,
    PodStatus,
    SandboxStatus,
    State,
    any_regular_container_created,
)


def sandbox_changed(pod: Mapping[str, Any], status: PodStatus) -> tuple[bool, int, str]:
    """Whether a new sandbox is needed, its attempt, and the id of the present one (empty: nothing to replace)."""
    if not status.sandboxes:
        return True, 0, ""
    newest = status.sandboxes[0]
    following = newest.attempt + 1
    if sum(s.ready for s in status.sandboxes) > 1 or not newest.ready:
        return True, following, newest.id
    if newest.host_network != pods.uses_host_network(pod):
        return True, following, ""
    if _lost_its_ip(pod, newest):
        return True, following, newest.id
    return False, newest.attempt, newest.id


def _lost_its_ip(pod: Mapping[str, Any], sandbox: SandboxStatus) -> bool:
    return not pods.uses_host_network(pod) and sandbox.has_network and not sandbox.ips


def compute_pod_actions(
    pod: Mapping[str, Any],
    status: PodStatus,
    probes: ProbeView | None = None,
    *,
    restart_all_containers: bool = False,
) -> PodActions:
    probes = probes or ProbeView()
    new_sandbox, attempt, sandbox_id = sandbox_changed(pod, status)
    actions = PodActions(kill_pod=new_sandbox, create_sandbox=new_sandbox, sandbox_id=sandbox_id, attempt=attempt)
    if restart_all_containers:
        actions.containers_to_reset = _containers_to_reset(pod, status)
        return actions
    if new_sandbox:
        _start_over(pod, status, actions)
        return actions
    for index, container in enumerate(pods.ephemeral_containers(pod)):
        # Started at any time, even before initialization is complete, and never again.
        if status.find(container["name"]) is None:
            actions.ephemeral_containers_to_start.append(index)
    initialized = compute_init_actions(pod, status, probes, actions)
    if actions.kill_pod or not initialized:
        return actions
    kept = 0
    for index, container in enumerate(pods.containers(pod)):
        kept += _regular_container(index, container, pod, status, probes, actions)
    if kept == 0 and not actions.containers_to_start:
        actions.kill_pod = True
        # Sidecars must not keep alive a pod whose work is done.
        actions.init_containers_to_start = []
    return actions


def _start_over(pod: Mapping[str, Any], status: PodStatus, actions: PodActions) -> None:
    """The sandbox is missing or useless: everything begins anew, unless the pod had done its work."""
    restarts = pod["spec"].get("restartPolicy") != "Never"
    if not restarts and actions.attempt != 0 and status.containers:
        actions.create_sandbox = False
        return
    to_start = [i for i, c in enumerate(pods.containers(pod)) if not _done_for_good(c, pod, status)]
    if not to_start and any_regular_container_created(pods.containers(pod), status):
        actions.create_sandbox = False
        return
    if pods.init_containers(pod):
        actions.init_containers_to_start = [0]
    else:
        actions.containers_to_start = to_start


def _done_for_good(container: Mapping[str, Any], pod: Mapping[str, Any], status: PodStatus) -> bool:
    policy = container.get("restartPolicy") or pod["spec"].get("restartPolicy")
    if policy != "OnFailure":
        return False
    found = status.find(container["name"])
    return (
        found is not None and found.state is not State.RUNNING and found.state is State.EXITED and not found.exit_code
    )


def _regular_container(
    index: int,
    container: Mapping[str, Any],
    pod: Mapping[str, Any],
    status: PodStatus,
    probes: ProbeView,
    actions: PodActions,
) -> bool:
    """Adds what one container needs; True when it stays as it is."""
    found = status.find(container["name"])
    if found is None or found.state is not State.RUNNING:
        if restart_policy.should_be_restarted(container, pod, status):
            actions.containers_to_start.append(index)
            if found and found.state is State.UNKNOWN:
                actions.kill(unknown_state_kill("Container", found))
        return False
    reason: KillReason
    restart = restart_policy.restarts_on_failure(container, pod["spec"])
    if definition_changed(container, found):
        message, reason, restart = f"Container {container['name']} definition changed", "", True
    elif probes.liveness.get(found.container_id) == "failure":
        message, reason = f"Container {container['name']} failed liveness probe", "LivenessProbe"
    elif probes.startup.get(found.container_id) == "failure":
        message, reason = f"Container {container['name']} failed startup probe", "StartupProbe"
    else:
        return _keep_or_resize(index, container, found, probes, actions)
    if restart:
        message += ", will be restarted"
        actions.containers_to_start.append(index)
    actions.kill(Kill(found.name, found.id, message, reason))
    return False


def _keep_or_resize(
    index: int, container: Mapping[str, Any], found: ContainerStatus, probes: ProbeView, actions: PodActions
) -> bool:
    actuated = probes.actuated.get(found.name)
    way = resize.how(container, actuated)
    if way == "restart":
        actions.kill(Kill(found.name, found.id, f"Container {found.name} resize requires restart"))
        actions.containers_to_start.append(index)
        return False
    if way == "update" and actuated is not None:
        actions.containers_to_update.append(resize.update(container, found.id, actuated))
    return True


def _containers_to_reset(pod: Mapping[str, Any], status: PodStatus) -> list[Reset]:
    """Every container the runtime has, in reverse of the start order; those whose exit asked for it come last, so
    that an interrupted reset is still recognized as one."""
    sources: dict[str, list[Reset]] = {}
    targets: dict[str, list[Reset]] = {}
    for kind in ("containers", "initContainers"):
        for container in pod["spec"].get(kind) or ():
            for found in (c for c in status.containers if c.name == container["name"]):
                exited = found.state is State.EXITED
                rule = restart_policy.matching_rule(container, found.exit_code) if exited else None
                asked = bool(rule and rule.get("action") == "RestartAllContainers")
                group = sources if asked else targets
                group.setdefault(kind, []).append(Reset(found.name, found.id, kill=not exited))
    return [
        *targets.get("containers", ()),
        *targets.get("initContainers", ()),
        *sources.get("containers", ()),
        *sources.get("initContainers", ()),
    ]
