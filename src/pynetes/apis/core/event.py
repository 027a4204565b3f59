"""Event, as core/v1 serves it; events.k8s.io builds on it."""

from typing import ClassVar

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import CHANGE, METADATA_FIELDS, Object, Strategy

MAX_NAME = 128
MAX_NOTE = 1024
_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")


class EventStrategy(Strategy):
    update_metadata = CHANGE
    allow_create_on_update = True
    default_deletion_propagation = ""
    own_metadata_rules = False
    controller_field: ClassVar[str] = "reportingComponent"
    selectable = (
        METADATA_FIELDS
        | {f"involvedObject.{field}" for field in _INVOLVED}
        | {
            "reason",
            "reportingComponent",
            "source",
            "type",
        }
    )

    def default(self, obj: Object) -> None:
        for field in ("involvedObject", "source"):
            if obj.get(field) is None:
                obj[field] = {}
        for field in ("reportingComponent", "reportingInstance"):
            obj.setdefault(field, "")
        obj.setdefault("firstTimestamp", None)
        obj.setdefault("lastTimestamp", None)
        obj.setdefault("eventTime", None)

    def validate(self, obj: Object) -> list[FieldError]:
        return validate_event(obj, self.controller_field)

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        involved = obj.get("involvedObject") or {}
        controller = obj.get("reportingComponent") or ""
        own = {f"involvedObject.{field}": involved.get(field) or "" for field in _INVOLVED}
        # Stored events are selected by the names of events.k8s.io/v1 as well.
        own |= {f"regarding.{field}": involved.get(field) or "" for field in _INVOLVED}
        own |= {
            "reportingController": controller,
            "reason": obj.get("reason") or "",
            "reportingComponent": controller,
            "source": (obj.get("source") or {}).get("component") or controller,
            "type": obj.get("type") or "",
        }
        return super().selectable_fields(obj) | own


def validate_event(event: Object, controller_field: str) -> FieldErrors:
    """Events with eventTime are of the new kind, and must say more."""
    found = FieldErrors()
    namespace = event["metadata"].get("namespace") or ""
    involved = (event.get("involvedObject") or {}).get("namespace") or ""
    mismatch = "does not match event.namespace"
    if not event.get("eventTime"):
        allowed = (involved,) if involved else ("", "default")
        if namespace not in allowed:
            found.invalid("involvedObject.namespace", involved, mismatch)
    else:
        if not involved and namespace not in ("default", "kube-system"):
            found.invalid("involvedObject.namespace", involved, mismatch)
        controller = event.get("reportingComponent") or ""
        found.present(controller_field, controller)
        found.rule(controller_field, controller, names.qualified_name)
        for field in ("reportingInstance", "action", "reason"):
            found.present(field, event.get(field))
            if len(event.get(field) or "") > MAX_NAME:
                found.invalid(field, "", f"can have at most {MAX_NAME} characters")
        if len((event.get("message") or "").encode()) > MAX_NOTE:
            found.invalid("message", "", f"can have at most {MAX_NOTE} characters")
    found.rule("namespace", namespace, names.dns1123_subdomain)
    return found
