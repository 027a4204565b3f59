"""ControllerRevision: a snapshot of a template, which never changes."""

from pynetes.apimachinery.errors import FieldError
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object, Strategy


class ControllerRevisionStrategy(Strategy):
    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        found.non_negative("revision", obj.get("revision"))
        if obj.get("data") is None:
            found.required("data", "data is mandatory")
        elif not isinstance(obj["data"], dict):
            found.required("data", "data must be a valid JSON object")
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors()
        found.non_negative("revision", obj.get("revision"))
        found.immutable("data", obj.get("data"), old.get("data"))
        return found
