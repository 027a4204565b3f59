"""Event, as events.k8s.io/v1 serves it: stricter than core/v1 about new events, and what an update may change."""

from pynetes.apimachinery.errors import FieldError
from pynetes.apis.core.event import EventStrategy, validate_event
from pynetes.apis.events.conversion import to_core
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import METADATA_FIELDS, Object

_REGARDING = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
# In the order and under the names of the stored form, which messages use.
_FROZEN = (
    "involvedObject",
    "reason",
    "message",
    "source",
    "firstTimestamp",
    "lastTimestamp",
    "count",
    "reason",  # once more: clients see it twice
    "type",
    "eventTime",
    "action",
    "related",
)
_TEXTS = frozenset(("reason", "message", "type", "action"))
_UNSET = "needs to be unset"


class NewEventStrategy(EventStrategy):
    own_metadata_rules = True
    controller_field = "reportingController"
    selectable = (
        METADATA_FIELDS
        | {f"regarding.{field}" for field in _REGARDING}
        | {
            "reason",
            "reportingController",
            "type",
        }
    )

    def default(self, obj: Object) -> None:
        """Nothing: what is always present is so in the stored form."""

    def validate(self, obj: Object) -> list[FieldError]:
        event = to_core(obj)
        found = validate_event(event, self.controller_field)
        _series(found, event)
        if not event.get("eventTime"):
            found.required("eventTime")
        kind = event.get("type") or ""
        if kind not in ("Normal", "Warning"):
            found.invalid("type", "", f"has invalid value: {kind}")
        for field in ("firstTimestamp", "lastTimestamp", "count"):
            if event.get(field):
                found.invalid(field, "", _UNSET)
        source = event.get("source") or {}
        if source.get("component") or source.get("host"):
            found.invalid("source", "", _UNSET)
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        new, before = to_core(obj), to_core(old)
        found = validate_event(new, self.controller_field)
        if new.get("series") != before.get("series"):
            _series(found, new)
        for field in _FROZEN:
            value = new.get(field) or "" if field in _TEXTS else new.get(field)
            found.immutable(field, value, before.get(field))
        found.immutable("reportingController", new.get("reportingComponent"), before.get("reportingComponent"))
        found.immutable("reportingInstance", new.get("reportingInstance"), before.get("reportingInstance"))
        return found

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        return super().selectable_fields(to_core(obj))


def _series(found: FieldErrors, event: Object) -> None:
    series = event.get("series")
    if series is None:
        return
    if (series.get("count") or 0) < 2:
        found.invalid("series.count", "", "should be at least 2")
    if not series.get("lastObservedTime"):
        found.required("series.lastObservedTime")
