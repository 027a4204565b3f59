"""When a container that ended is started again: pod policy, container policy and its exit code rules."""

from collections.abc import Mapping
from typing import Any

from pynetes.apimachinery import meta
from pynetes.kubelet import pod as pods
from pynetes.kubelet.runtime.pod_status import PodStatus, State


def matching_rule(container: Mapping[str, Any], exit_code: int) -> Mapping[str, Any] | None:
    """The first of the container's `restartPolicyRules` that speaks of this exit code."""
    for rule in container.get("restartPolicyRules") or ():
        codes = rule.get("exitCodes")
        if not codes:
            continue
        listed = exit_code in (codes.get("values") or ())
        if listed == (codes.get("operator") == "In"):
            return dict(rule)
    return None


def _policy_restarts(policy: str | None, exit_code: int) -> bool:
    if policy == "Never":
        return False
    return policy != "OnFailure" or exit_code != 0


def restarts_after_exit(container: Mapping[str, Any], pod_spec: Mapping[str, Any], exit_code: int) -> bool:
    policy = container.get("restartPolicy")
    if policy is None:
        return _policy_restarts(pod_spec.get("restartPolicy"), exit_code)
    rule = matching_rule(container, exit_code)
    if rule and rule.get("action") in ("Restart", "RestartAllContainers"):
        return True
    return _policy_restarts(policy, exit_code)


def restarts_on_failure(container: Mapping[str, Any] | None, pod_spec: Mapping[str, Any]) -> bool:
    """For failures without an exit code (probes): the container's policy, else the pod's."""
    policy = (container or {}).get("restartPolicy") or pod_spec.get("restartPolicy")
    return bool(policy != "Never")


def should_be_restarted(container: Mapping[str, Any], pod: Mapping[str, Any], status: PodStatus) -> bool:
    """Whether the next sync would start the container: never, when the pod is being deleted or it runs."""
    if meta.is_deleting(pod):
        return False
    found = status.find(container["name"])
    if found is None:
        return True
    if found.state is State.RUNNING:
        return False
    if found.state in (State.UNKNOWN, State.CREATED):
        return True
    return restarts_after_exit(container, pod["spec"], found.exit_code)


def could_restart_all(pod_spec: Mapping[str, Any]) -> bool:
    """Some container has a rule with the action RestartAllContainers."""
    for kind in ("initContainers", "containers"):
        for container in pod_spec.get(kind) or ():
            for rule in container.get("restartPolicyRules") or ():
                if rule.get("action") == "RestartAllContainers":
                    return True
    return False


def should_restart_all(pod: Mapping[str, Any], status: PodStatus | None, api_status: Mapping[str, Any] | None) -> bool:
    """A container ended with a code whose rule restarts the whole pod in place, or that restart is under way."""
    if not could_restart_all(pod["spec"]):
        return False
    api_status = api_status or {}
    condition = meta.get_condition(api_status.get("conditions"), "AllContainersRestarting")
    if condition and condition.get("status") == "True":
        return True
    shown = {s["name"]: s for k in ("initContainerStatuses", "containerStatuses") for s in api_status.get(k) or ()}
    for container in [*pods.init_containers(pod), *pods.containers(pod)]:
        code = _exit_code(container["name"], status, shown)
        rule = None if code is None else matching_rule(container, code)
        if rule and rule.get("action") == "RestartAllContainers":
            return True
    return False


def _exit_code(name: str, status: PodStatus | None, shown: Mapping[str, Mapping[str, Any]]) -> int | None:
    if status is not None:
        found = status.find(name)
        return found.exit_code if found and found.state is State.EXITED else None
    terminated = ((shown.get(name) or {}).get("state") or {}).get("terminated")
    return None if terminated is None else int(terminated.get("exitCode") or 0)
