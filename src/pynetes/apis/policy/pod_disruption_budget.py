"""PodDisruptionBudget."""

from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.validation import validate_conditions, validate_label_selector
from pynetes.apis.field_errors import FieldErrors, go_struct
from pynetes.apis.int_or_percent import validate_at_most_100_percent, validate_int_or_percent
from pynetes.apis.strategy import Object, Strategy

_EVICTION = ("AlwaysAllow", "IfHealthyBudget")
_COUNTS = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")


class PodDisruptionBudgetStrategy(Strategy):
    has_status = True
    maintains_generation = True
    allow_unconditional_update = False
    own_metadata_rules = False

    def default(self, obj: Object) -> None:
        obj.setdefault("spec", {})

    def prepare_for_create(self, obj: Object) -> None:
        super().prepare_for_create(obj)
        obj["status"] = dict.fromkeys(_COUNTS, 0)

    def validate(self, obj: Object) -> list[FieldError]:
        found, spec = FieldErrors(), obj["spec"]
        if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
            shown = go_struct(
                spec, MinAvailable=None, Selector=None, MaxUnavailable=None, UnhealthyPodEvictionPolicy=None
            )
            found.invalid("spec", shown, "minAvailable and maxUnavailable cannot be both set")
        for field in ("minAvailable", "maxUnavailable"):
            if spec.get(field) is not None:
                validate_int_or_percent(found, spec[field], f"spec.{field}")
                validate_at_most_100_percent(found, spec[field], f"spec.{field}")
        found += validate_label_selector(spec.get("selector"), "spec.selector")
        policy = spec.get("unhealthyPodEvictionPolicy")
        if policy is not None and policy not in _EVICTION:
            found.not_supported("spec.unhealthyPodEvictionPolicy", policy, _EVICTION)
        return found

    def validate_status_update(self, obj: Object, old: Object) -> list[FieldError]:
        found, status = FieldErrors(), obj.get("status") or {}
        found += validate_conditions(status.get("conditions"), "status.conditions")
        for field in _COUNTS:
            found.non_negative(f"status.{field}", status.get(field))
        return found
