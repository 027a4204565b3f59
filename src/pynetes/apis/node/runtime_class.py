"""RuntimeClass."""

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apis.core.scheduling_validation import validate_tolerations
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object, Strategy


class RuntimeClassStrategy(Strategy):
    allow_create_on_update = True
    allow_unconditional_update = False

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        found.required_rule("handler", obj.get("handler"), names.dns1123_label)
        scheduling = obj.get("scheduling") or {}
        validate_tolerations(found, scheduling.get("tolerations") or [], "scheduling.tolerations")
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors(self.validate(obj))
        found.immutable("handler", obj.get("handler"), old.get("handler"))
        return found
