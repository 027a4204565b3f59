"""Deployment."""

from pynetes.apimachinery.errors import FieldError
from pynetes.apis.apps.workload import (
    validate_collisions,
    validate_counts,
    validate_selector,
    validate_template,
    workload_warnings,
)
from pynetes.apis.core.container_defaults import default_if_empty
from pynetes.apis.core.disabled_pod_fields import disabled_in
from pynetes.apis.core.pod_spec_defaults import default_pod_template
from pynetes.apis.equality import semantic_equal
from pynetes.apis.field_errors import FieldErrors, go_struct
from pynetes.apis.int_or_percent import magnitude, validate_at_most_100_percent, validate_int_or_percent
from pynetes.apis.strategy import CHANGE, Object, Strategy

_STRATEGIES = ("Recreate", "RollingUpdate")
_COUNTS = (
    "observedGeneration",
    "replicas",
    "updatedReplicas",
    "readyReplicas",
    "availableReplicas",
    "unavailableReplicas",
    "terminatingReplicas",
    "collisionCount",
)


class DeploymentStrategy(Strategy):
    update_metadata = CHANGE
    has_status = True
    maintains_generation = True
    status_keeps_metadata = frozenset(("labels",))

    drop_disabled_fields = staticmethod(disabled_in("spec", "template"))

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        for field, value in (("replicas", 1), ("revisionHistoryLimit", 10), ("progressDeadlineSeconds", 600)):
            if spec.get(field) is None:
                spec[field] = value
        strategy = spec["strategy"] = spec.get("strategy") or {}
        default_if_empty(strategy, type="RollingUpdate")
        if strategy["type"] == "RollingUpdate":
            rolling = strategy["rollingUpdate"] = strategy.get("rollingUpdate") or {}
            for field in ("maxUnavailable", "maxSurge"):
                if rolling.get(field) is None:
                    rolling[field] = "25%"
        default_pod_template(spec.setdefault("template", {}))

    def generation_changes(self, obj: Object, old: Object) -> bool:
        """Annotations count too: the controller copies them to its replica sets."""
        changed = super().generation_changes(obj, old)
        return changed or not semantic_equal(obj["metadata"].get("annotations"), old["metadata"].get("annotations"))

    def validate(self, obj: Object) -> list[FieldError]:
        found, spec = FieldErrors(), obj["spec"]
        found.non_negative("spec.replicas", spec.get("replicas"))
        selector = spec.get("selector")
        validate_selector(found, selector, "deployment")
        validate_template(found, spec.get("template") or {}, selector, "ReplicaSet")
        _rollout(found, spec.get("strategy") or {})
        found.non_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
        found.non_negative("spec.revisionHistoryLimit", spec.get("revisionHistoryLimit"))
        deadline = spec.get("progressDeadlineSeconds")
        if deadline is not None:
            found.non_negative("spec.progressDeadlineSeconds", deadline)
            if deadline <= (spec.get("minReadySeconds") or 0):
                found.invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors(self.validate(obj))
        found.immutable("spec.selector", obj["spec"].get("selector"), old["spec"].get("selector"))
        return found

    def validate_status_update(self, obj: Object, old: Object) -> list[FieldError]:
        found, status = FieldErrors(), obj.get("status") or {}
        within = ("updatedReplicas", "readyReplicas", "availableReplicas")
        validate_counts(found, status, _COUNTS, within, ready="readyReplicas")
        validate_collisions(found, status, old)
        return found

    def warnings(self, obj: Object, old: Object | None = None) -> list[str]:
        return workload_warnings(obj, old)


def _rollout(found: FieldErrors, strategy: Object) -> None:
    kind, rolling, path = strategy.get("type"), strategy.get("rollingUpdate"), "spec.strategy.rollingUpdate"
    if kind == "Recreate":
        if rolling is not None:
            found.forbidden(path, "may not be specified when strategy `type` is 'Recreate'")
    elif kind != "RollingUpdate":
        shown = go_struct(strategy, Type="", RollingUpdate=None) or {}
        shown["RollingUpdate"] = go_struct(rolling, MaxUnavailable=0, MaxSurge=0)
        found.not_supported("spec.strategy", shown, _STRATEGIES)
    elif rolling is None:
        found.required(path, "this should be defaulted and never be nil")
    else:
        unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
        validate_int_or_percent(found, unavailable, f"{path}.maxUnavailable")
        validate_int_or_percent(found, surge, f"{path}.maxSurge")
        if magnitude(unavailable) == 0 and magnitude(surge) == 0:
            found.invalid(f"{path}.maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0")
        validate_at_most_100_percent(found, unavailable, f"{path}.maxUnavailable")
