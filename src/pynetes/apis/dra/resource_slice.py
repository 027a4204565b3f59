"""ResourceSlice: devices that a driver offers."""

from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.times import format_time
from pynetes.apis.dra.slice_validation import validate_slice
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import CHANGE, Object, Strategy
from pynetes.component import clock


def _drop_disabled(obj: Object, old: Object | None) -> None:
    """Lists as attributes and mappings to what nodes allocate are off."""
    before = ((old or {}).get("spec") or {}).get("devices") or ()
    for device in (obj.get("spec") or {}).get("devices") or ():
        if not any(each.get("nodeAllocatableResourceMappings") for each in before):
            device.pop("nodeAllocatableResourceMappings", None)
        for attribute in (device.get("attributes") or {}).values():
            for kind in ("bools", "ints", "strings", "versions"):
                attribute.pop(kind, None)


class ResourceSliceStrategy(Strategy):
    update_metadata = CHANGE
    drop_disabled_fields = staticmethod(_drop_disabled)
    maintains_generation = True
    selectable = frozenset(("metadata.name", "spec.driver", "spec.nodeName"))
    not_selectable = "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: {}"

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        fields = super().selectable_fields(obj)
        spec = obj.get("spec") or {}
        for key in ("driver", "nodeName"):
            fields[f"spec.{key}"] = spec.get(key) or ""
        return fields

    def default(self, obj: Object) -> None:
        for device in (obj.get("spec") or {}).get("devices") or ():
            for taint in device.get("taints") or ():
                if taint.get("timeAdded") is None:
                    taint["timeAdded"] = format_time(clock.now())

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        validate_slice(found, obj.get("spec") or {}, None)
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors()
        validate_slice(found, obj.get("spec") or {}, old.get("spec") or {})
        return found

    def warnings(self, obj: Object, old: Object | None = None) -> list[str]:
        driver = (obj.get("spec") or {}).get("driver") or ""
        if driver == driver.lower():
            return []
        return [f'spec.driver: driver names should be lowercase; "{driver}" contains uppercase characters']
