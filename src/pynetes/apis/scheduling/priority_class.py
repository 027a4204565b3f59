"""PriorityClass."""

from pynetes.apimachinery.errors import FieldError
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import CHANGE, Object, Strategy

SYSTEM_PREFIX = "system-"
HIGHEST_USER_DEFINABLE = 1_000_000_000
SYSTEM_CLASSES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
_PREEMPTION = ("PreemptLowerPriority", "Never")


class PriorityClassStrategy(Strategy):
    update_metadata = CHANGE
    maintains_generation = True

    def default(self, obj: Object) -> None:
        if obj.get("preemptionPolicy") is None:
            obj["preemptionPolicy"] = "PreemptLowerPriority"
        obj.setdefault("value", 0)

    def generation_changes(self, obj: Object, old: Object) -> bool:
        return False

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        name, value = obj["metadata"].get("name") or "", obj.get("value") or 0
        if name.startswith(SYSTEM_PREFIX):
            problem = _not_a_system_class(name, value, bool(obj.get("globalDefault")))
            if problem:
                reserved = f"priority class names with '{SYSTEM_PREFIX}' prefix are reserved for system use only"
                found.forbidden("metadata.name", f"{reserved}. error: {problem}")
        elif value > HIGHEST_USER_DEFINABLE:
            detail = f"maximum allowed value of a user defined priority is {HIGHEST_USER_DEFINABLE}"
            found.forbidden("value", detail)
        found.one_of("preemptionPolicy", obj.get("preemptionPolicy"), _PREEMPTION)
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors()
        if (obj.get("value") or 0) != (old.get("value") or 0):
            found.forbidden("value", "may not be changed in an update.")
        found.immutable("preemptionPolicy", obj.get("preemptionPolicy"), old.get("preemptionPolicy"))
        return found


def _not_a_system_class(name: str, value: int, global_default: bool) -> str:
    if name not in SYSTEM_CLASSES:
        return f"{name} is not a known system priority class"
    if value != SYSTEM_CLASSES[name]:
        return f"value of {name} PriorityClass must be {SYSTEM_CLASSES[name]}"
    if global_default:
        return f"globalDefault of {name} PriorityClass must be false"
    return ""
