"""DaemonSet. The generation of its template lives on in an annotation, for clients that wait for it."""

from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.meta import annotations, set_annotation
from pynetes.apimachinery.validation import validate_label_selector
from pynetes.apis.apps.workload import (
    is_empty_selector,
    validate_collisions,
    validate_counts,
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

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
_COUNTS = (
    "currentNumberScheduled",
    "numberMisscheduled",
    "desiredNumberScheduled",
    "numberReady",
    "observedGeneration",
    "updatedNumberScheduled",
    "numberAvailable",
    "numberUnavailable",
    "collisionCount",
)


class DaemonSetStrategy(Strategy):
    update_metadata = CHANGE
    has_status = True
    maintains_generation = True

    drop_disabled_fields = staticmethod(disabled_in("spec", "template"))

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        update = spec["updateStrategy"] = spec.get("updateStrategy") or {}
        default_if_empty(update, type="RollingUpdate")
        if update["type"] == "RollingUpdate":
            rolling = update["rollingUpdate"] = update.get("rollingUpdate") or {}
            for field, value in (("maxUnavailable", 1), ("maxSurge", 0)):
                if rolling.get(field) is None:
                    rolling[field] = value
        if spec.get("revisionHistoryLimit") is None:
            spec["revisionHistoryLimit"] = 10
        default_pod_template(spec.setdefault("template", {}))
        if TEMPLATE_GENERATION not in annotations(obj):
            set_annotation(obj, TEMPLATE_GENERATION, "0")

    def prepare_for_create(self, obj: Object) -> None:
        super().prepare_for_create(obj)
        counts = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady")
        obj["status"] = dict.fromkeys(counts, 0)
        set_annotation(obj, TEMPLATE_GENERATION, str(max(_template_generation(obj), 1)))

    def prepare_for_status_update(self, obj: Object, old: Object) -> None:
        super().prepare_for_status_update(obj, old)
        set_annotation(obj, TEMPLATE_GENERATION, str(_template_generation(old)))

    def prepare_for_update(self, obj: Object, old: Object) -> None:
        super().prepare_for_update(obj, old)
        generation = _template_generation(old)
        if not semantic_equal(obj["spec"].get("template"), old["spec"].get("template")):
            generation += 1
        if generation:
            set_annotation(obj, TEMPLATE_GENERATION, str(generation))

    def validate(self, obj: Object) -> list[FieldError]:
        found, spec = FieldErrors(), obj["spec"]
        selector = spec.get("selector")  # one that lacks is only told of by the labels that it does not match
        if selector is not None:
            found += validate_label_selector(selector, "spec.selector")
            if is_empty_selector(selector):
                found.invalid("spec.selector", selector, "empty selector is invalid for daemonset")
        if not validate_label_selector(selector, "spec.selector"):
            validate_template(found, spec.get("template") or {}, selector, "DaemonSet")
        found.non_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
        _update_strategy(found, spec.get("updateStrategy") or {})
        found.non_negative("spec.revisionHistoryLimit", spec.get("revisionHistoryLimit"))
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors()
        found.immutable("spec.selector", obj["spec"].get("selector"), old["spec"].get("selector"))
        return found + self.validate(obj)

    def validate_status_update(self, obj: Object, old: Object) -> list[FieldError]:
        found, status = FieldErrors(), obj.get("status") or {}
        validate_counts(found, status, _COUNTS)
        validate_collisions(found, status, old)
        return found

    def warnings(self, obj: Object, old: Object | None = None) -> list[str]:
        return workload_warnings(obj, old, warn_of_name=False)


def _template_generation(obj: Object) -> int:
    value = annotations(obj).get(TEMPLATE_GENERATION) or ""
    return int(value) if value.isascii() and value.isdecimal() else 0


def _update_strategy(found: FieldErrors, update: Object) -> None:
    rolling, path = update.get("rollingUpdate"), "spec.updateStrategy.rollingUpdate"
    if update.get("type") == "OnDelete":
        return
    if update.get("type") != "RollingUpdate":
        shown = go_struct(update, Type="", RollingUpdate=None) or {}
        shown["RollingUpdate"] = go_struct(rolling, MaxUnavailable=0, MaxSurge=0)
        found.not_supported("spec.updateStrategy", shown, ("RollingUpdate", "OnDelete"))
        return
    if rolling is None:
        found.required(path)
        return
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    for field, value in (("maxUnavailable", unavailable), ("maxSurge", surge)):
        validate_int_or_percent(found, value, f"{path}.{field}")
        validate_at_most_100_percent(found, value, f"{path}.{field}")
    if magnitude(unavailable) and magnitude(surge):
        found.invalid(f"{path}.maxSurge", surge, "may not be set when maxUnavailable is non-zero")
    elif not magnitude(unavailable) and not magnitude(surge):
        found.required(f"{path}.maxUnavailable", "cannot be 0 when maxSurge is 0")
