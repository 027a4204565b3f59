"""ResourceClaim and ResourceClaimTemplate: devices that are asked for."""

from pynetes.apimachinery.errors import FieldError
from pynetes.apis.core.persistent_volume_claim_validation import validate_template_metadata
from pynetes.apis.dra.claim_status_validation import device_id, validate_claim_status
from pynetes.apis.dra.claim_validation import default_claim_spec, validate_claim_spec
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import RESET_METADATA, Object, Strategy


class ResourceClaimStrategy(Strategy):
    has_status = True
    status_keeps_metadata = RESET_METADATA

    def default(self, obj: Object) -> None:
        default_claim_spec(obj.get("spec"))

    def prepare_for_status_update(self, obj: Object, old: Object) -> None:
        super().prepare_for_status_update(obj, old)
        _drop_deallocated(obj.get("status") or {}, old.get("status") or {})

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        validate_claim_spec(found, obj.get("spec") or {}, "spec")
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors()
        found.immutable("spec", obj.get("spec"), old.get("spec"))
        return found

    def validate_status_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors()
        validate_claim_status(found, obj, old)
        return found


class ResourceClaimTemplateStrategy(Strategy):
    def default(self, obj: Object) -> None:
        default_claim_spec((obj.get("spec") or {}).get("spec"))

    def validate(self, obj: Object) -> list[FieldError]:
        spec = obj.get("spec") or {}
        found = FieldErrors()
        validate_template_metadata(found, spec.get("metadata") or {}, "spec.metadata")
        validate_claim_spec(found, spec.get("spec") or {}, "spec.spec")
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors(self.validate(obj))
        found.immutable("spec", obj.get("spec"), old.get("spec"))
        return found


def _drop_deallocated(status: Object, before: Object) -> None:
    """What drivers say of devices goes with the devices."""
    if not status.get("devices"):
        return
    now, earlier = _allocated(status), _allocated(before)
    gone = earlier - now
    kept = [device for device in status["devices"] if device_id(device) not in gone]
    if kept:
        status["devices"] = kept
    elif gone:
        del status["devices"]


def _allocated(status: Object) -> set[str]:
    devices = (status.get("allocation") or {}).get("devices") or {}
    return {device_id(result) for result in devices.get("results") or ()}
