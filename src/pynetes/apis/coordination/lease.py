"""Lease."""

from pynetes.apimachinery.errors import FieldError
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object, Strategy


class LeaseStrategy(Strategy):
    qualified_finalizers = False
    allow_create_on_update = True
    allow_unconditional_update = False

    def default(self, obj: Object) -> None:
        obj.setdefault("spec", {})

    def validate(self, obj: Object) -> list[FieldError]:
        found, spec = FieldErrors(), obj.get("spec") or {}
        duration, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
        if duration is not None and duration <= 0:
            found.invalid("spec.leaseDurationSeconds", duration, "must be greater than 0")
        found.non_negative("spec.leaseTransitions", transitions)
        return found
