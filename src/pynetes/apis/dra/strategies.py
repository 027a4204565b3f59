"""Devices: what nodes offer (ResourceSlice), what is asked for (ResourceClaim and its template), DeviceClass."""

from collections.abc import Iterator

from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.times import format_time
from pynetes.apis.core.csi_names import validate_csi_driver_name
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import METADATA_FIELDS, RESET_METADATA, Object, Strategy
from pynetes.component import clock


class DeviceClassStrategy(Strategy):
    maintains_generation = True


class ResourceClaimStrategy(Strategy):
    has_status = True
    status_keeps_metadata = RESET_METADATA

    def default(self, obj: Object) -> None:
        default_claim_spec(obj.get("spec"))

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
        before, after = ((o.get("status") or {}).get("allocation") for o in (old, obj))
        if before is not None and after is not None:
            found.immutable("status.allocation", after, before)
        return found


class ResourceClaimTemplateStrategy(Strategy):
    def default(self, obj: Object) -> None:
        default_claim_spec((obj.get("spec") or {}).get("spec"))

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        validate_claim_spec(found, (obj.get("spec") or {}).get("spec") or {}, "spec.spec")
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors()
        found.immutable("spec", obj.get("spec"), old.get("spec"))
        return found


class ResourceSliceStrategy(Strategy):
    maintains_generation = True
    selectable = METADATA_FIELDS | {"spec.driver", "spec.nodeName"}

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
        spec = obj.get("spec") or {}
        validate_csi_driver_name(found, spec.get("driver") or "", "spec.driver")
        found.present("spec.pool.name", (spec.get("pool") or {}).get("name"))
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors(self.validate(obj))
        spec, before = obj.get("spec") or {}, old.get("spec") or {}
        pool, pool_before = ((s.get("pool") or {}).get("name") for s in (spec, before))
        found.immutable("spec.pool.name", pool, pool_before)
        for key in ("driver", "nodeName"):
            found.immutable(f"spec.{key}", spec.get(key), before.get(key))
        return found


def default_claim_spec(spec: Object | None) -> None:
    for request, _ in _requests(spec or {}, ""):
        if not request.get("allocationMode"):
            request["allocationMode"] = "ExactCount"
        if request["allocationMode"] == "ExactCount" and not request.get("count"):
            request["count"] = 1


def validate_claim_spec(found: FieldErrors, spec: Object, path: str) -> None:
    seen: set[str] = set()
    for i, request in enumerate((spec.get("devices") or {}).get("requests") or ()):
        name = request.get("name") or ""
        if found.present(f"{path}.devices.requests[{i}].name", name) and name in seen:
            found.duplicate(f"{path}.devices.requests[{i}].name", name)
        seen.add(name)
    for request, request_path in _requests(spec, path):
        found.present(f"{request_path}.deviceClassName", request.get("deviceClassName"))


def _requests(spec: Object, path: str) -> Iterator[tuple[Object, str]]:
    for i, request in enumerate((spec.get("devices") or {}).get("requests") or ()):
        at = f"{path}.devices.requests[{i}]"
        if request.get("exactly") is not None:
            yield request["exactly"], f"{at}.exactly"
        for j, alternative in enumerate(request.get("firstAvailable") or ()):
            yield alternative, f"{at}.firstAvailable[{j}]"
