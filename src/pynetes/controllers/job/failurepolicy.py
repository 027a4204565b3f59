"""podFailurePolicy: what the failure of a pod means for its Job."""

from typing import Any

from msgspec import Struct

from pynetes.apimachinery import meta

Object = dict[str, Any]


class Verdict(Struct, frozen=True):
    """`action` is Count, Ignore, FailIndex or FailJob; `message` says why a Job fails."""

    action: str
    message: str = ""

    @property
    def counts(self) -> bool:
        return self.action != "Ignore"


def judge(policy: Object | None, pod: Object) -> Verdict:
    """By the first rule that fits; without one, the failure counts."""
    status = pod.get("status") or {}
    for index, rule in enumerate((policy or {}).get("rules") or ()):
        action = rule["action"]
        if rule.get("onExitCodes"):
            container = _exited(status, rule["onExitCodes"])
            if container is not None:
                code = container["state"]["terminated"].get("exitCode") or 0
                return Verdict(
                    action,
                    f"Container {container['name']} for pod {meta.key(pod)} failed with exit code {code} "
                    f"matching {action} rule at index {index}",
                )
        else:
            condition = _condition(status, rule.get("onPodConditions") or [])
            if condition is not None:
                what = f"Pod {meta.key(pod)} has condition {condition['type']}"
                return Verdict(action, f"{what} matching {action} rule at index {index}")
    return Verdict("Count")


def _exited(status: Object, wanted: Object) -> Object | None:
    for container in [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]:
        terminated = (container.get("state") or {}).get("terminated")
        if terminated is None or not terminated.get("exitCode"):
            continue
        if wanted.get("containerName") not in (None, container["name"]):
            continue
        if (terminated["exitCode"] in wanted["values"]) == (wanted["operator"] == "In"):
            found: Object = container
            return found
    return None


def _condition(status: Object, patterns: list[Object]) -> Object | None:
    for condition in status.get("conditions") or ():
        for pattern in patterns:
            if (condition["type"], condition.get("status")) == (pattern["type"], pattern.get("status") or "True"):
                found: Object = condition
                return found
    return None
