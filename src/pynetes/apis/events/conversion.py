"""core/v1 Event ↔ events.k8s.io/v1 Event: the same facts under other names."""

from pynetes.apimachinery.meta import copy
from pynetes.apis.strategy import Object

# core/v1 → events.k8s.io/v1; every other field has one name in both.
_RENAMED = {
    "involvedObject": "regarding",
    "source": "deprecatedSource",
    "message": "note",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
_RENAMED_BACK = {new: old for old, new in _RENAMED.items()}


def _rename(obj: Object, names: dict[str, str], api_version: str) -> Object:
    out = {names.get(key, key): copy(value) for key, value in obj.items()}
    out["apiVersion"] = api_version
    return out


def from_core(obj: Object) -> Object:
    return _rename(obj, _RENAMED, "events.k8s.io/v1")


def to_core(obj: Object) -> Object:
    out = _rename(obj, _RENAMED_BACK, "v1")
    # Both are always present on the wire of core/v1.
    out.setdefault("involvedObject", {})
    out.setdefault("source", {})
    return out
