"""HorizontalPodAutoscaler, v2 and v1 (which is checked as v2)."""

from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.meta import copy
from pynetes.apis.autoscaling.conversion import DEFAULT_CPU_UTILIZATION, cpu_utilization_metric, v1_to_v2
from pynetes.apis.autoscaling.metric_validation import validate_metrics, validate_reference
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import CHANGE, Object, Strategy

_SELECT = ("Disabled", "Max", "Min")
_POLICIES = ("Percent", "Pods")
_MAX_PERIOD = 1800
_MAX_WINDOW = 3600
_FULL_PERCENT = {"type": "Percent", "value": 100, "periodSeconds": 15}
_FOUR_PODS = {"type": "Pods", "value": 4, "periodSeconds": 15}


class HorizontalPodAutoscalerStrategy(Strategy):
    update_metadata = CHANGE
    has_status = True

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        if spec.get("minReplicas") is None:
            spec["minReplicas"] = 1
        if not spec.get("metrics"):
            spec["metrics"] = [cpu_utilization_metric(DEFAULT_CPU_UTILIZATION)]
        behavior = spec.get("behavior")
        if behavior is not None:
            up = {"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": [_FOUR_PODS, _FULL_PERCENT]}
            down = {"selectPolicy": "Max", "policies": [_FULL_PERCENT]}
            behavior["scaleUp"] = _completed(behavior.get("scaleUp"), up)
            behavior["scaleDown"] = _completed(behavior.get("scaleDown"), down)

    def prepare_for_create(self, obj: Object) -> None:
        super().prepare_for_create(obj)
        obj["status"] = {"desiredReplicas": 0, "currentMetrics": None}

    def validate(self, obj: Object) -> list[FieldError]:
        return _validate_spec(obj["spec"], {})

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        return _validate_spec(obj["spec"], old["spec"])

    def validate_status_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors()
        for field in ("currentReplicas", "desiredReplicas"):
            found.non_negative(f"status.{field}", (obj.get("status") or {}).get(field))
        return found


class HorizontalPodAutoscalerV1Strategy(HorizontalPodAutoscalerStrategy):
    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        if spec.get("minReplicas") is None:
            spec["minReplicas"] = 1

    def prepare_for_create(self, obj: Object) -> None:
        Strategy.prepare_for_create(self, obj)
        obj["status"] = {"currentReplicas": 0, "desiredReplicas": 0}

    def validate(self, obj: Object) -> list[FieldError]:
        return super().validate(v1_to_v2(obj))


def _completed(rules: Object | None, defaults: Object) -> Object:
    given = {key: value for key, value in (rules or {}).items() if value is not None}
    return {**copy(defaults), **given}


def _validate_spec(spec: Object, old: Object) -> FieldErrors:
    """Of the target's version only a change is looked at; ReplicationControllers have no group."""
    found = FieldErrors()
    low, high = spec.get("minReplicas"), spec.get("maxReplicas") or 0
    least = 0 if old.get("minReplicas") == 0 else 1
    if low is not None and low < least:
        found.invalid("spec.minReplicas", low, f"must be greater than or equal to {least}")
    if high == 0:
        found.required("spec.maxReplicas", "must be set and greater than 0")
    elif high < 0:
        found.invalid("spec.maxReplicas", high, "must be greater than or equal to 1")
    if low is not None and high < low:
        found.invalid("spec.maxReplicas", high, "must be greater than or equal to `minReplicas`")
    target, before = (each.get("scaleTargetRef") or {} for each in (spec, old))
    same = bool(old) and all(target.get(key) == before.get(key) for key in ("apiVersion", "kind"))
    grouped = target.get("kind") != "ReplicationController"
    checked = {**target, "apiVersion": "any/version"} if same else target
    validate_reference(found, checked, "spec.scaleTargetRef", grouped=grouped)
    validate_metrics(found, spec.get("metrics") or [], low, "spec.metrics")
    for direction in ("scaleUp", "scaleDown"):
        rules = (spec.get("behavior") or {}).get(direction)
        if rules is not None:
            _rules(found, rules, f"spec.behavior.{direction}")
    return found


def _rules(found: FieldErrors, rules: Object, path: str) -> None:
    window, select, policies = rules.get("stabilizationWindowSeconds"), rules.get("selectPolicy"), rules.get("policies")
    own = f"{path}.stabilizationWindowSeconds"
    if window is not None and window < 0:
        found.invalid(own, window, "must be greater than or equal to zero")
    if window is not None and window > _MAX_WINDOW:
        found.invalid(own, window, f"must be less than or equal to {_MAX_WINDOW}")
    if select is not None and select not in _SELECT:
        found.not_supported(f"{path}.selectPolicy", select, _SELECT)
    found.present(f"{path}.policies", policies, "must specify at least one Policy")
    for index, policy in enumerate(policies or ()):
        own = f"{path}.policies[{index}]"
        if policy.get("type") not in _POLICIES:
            found.not_supported(f"{own}.type", policy.get("type") or "", _POLICIES)
        value, period = policy.get("value") or 0, policy.get("periodSeconds") or 0
        if value <= 0:
            found.invalid(f"{own}.value", value, "must be greater than zero")
        if period <= 0:
            found.invalid(f"{own}.periodSeconds", period, "must be greater than zero")
        if period > _MAX_PERIOD:
            found.invalid(f"{own}.periodSeconds", period, f"must be less than or equal to {_MAX_PERIOD}")
    if rules.get("tolerance") is not None:
        found.non_negative_quantity(f"{path}.tolerance", rules["tolerance"])
