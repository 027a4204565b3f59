"""Lease."""

from pynetes.apimachinery.errors import FieldError
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import CHANGE, Object, Strategy


def _drop_disabled(obj: Object, old: Object | None) -> None:
    """Coordinated leader election is off."""
    spec, before = obj.get("spec") or {}, (old or {}).get("spec") or {}
    for field in ("strategy", "preferredHolder"):
        if before.get("strategy") is None and before.get("preferredHolder") is None:
            spec.pop(field, None)


class LeaseStrategy(Strategy):
    update_metadata = CHANGE
    drop_disabled_fields = staticmethod(_drop_disabled)
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
