"""The conditions of flow schemas and priority levels: each type once."""

from pynetes.apimachinery.errors import FieldError
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object


def validate_conditions(obj: Object) -> list[FieldError]:
    found, seen = FieldErrors(), set()
    for index, condition in enumerate((obj.get("status") or {}).get("conditions") or ()):
        kind, path = condition.get("type") or "", f"status.conditions[{index}].type"
        if kind in seen:
            found.duplicate(path, kind)
        seen.add(kind)
        found.present(path, kind)
    return found
