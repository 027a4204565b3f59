"""CSIDriver, CSINode, CSIStorageCapacity and VolumeAttachment: what drivers and the attach controller exchange."""

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apis.core.csi_names import validate_csi_driver_name
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object, Strategy

_DRIVER_DEFAULTS = {
    "attachRequired": True,
    "podInfoOnMount": False,
    "storageCapacity": False,
    "fsGroupPolicy": "ReadWriteOnceWithFSType",
    "requiresRepublish": False,
    "seLinuxMount": False,
}
_FS_GROUP_POLICIES = ("File", "None", "ReadWriteOnceWithFSType")
_LIFECYCLE_MODES = ("Persistent", "Ephemeral")
_PV = "spec.source.persistentVolumeName"


class CSIDriverStrategy(Strategy):
    maintains_generation = True
    allow_unconditional_update = False

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        for key, value in _DRIVER_DEFAULTS.items():
            if spec.get(key) is None:
                spec[key] = value
        if not spec.get("volumeLifecycleModes"):
            spec["volumeLifecycleModes"] = ["Persistent"]

    def prepare_for_create(self, obj: Object) -> None:
        obj["metadata"].pop("generation", None)  # counts from the first change on

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        spec = obj["spec"]
        validate_csi_driver_name(found, obj["metadata"].get("name") or "", "metadata.name")
        found.one_of("spec.fsGroupPolicy", spec.get("fsGroupPolicy"), _FS_GROUP_POLICIES)
        for mode in spec.get("volumeLifecycleModes") or ():
            if mode not in _LIFECYCLE_MODES:
                found.not_supported("spec.volumeLifecycleModes", mode, _LIFECYCLE_MODES)
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors(self.validate(obj))
        # sic: the path that clients know misspells the field
        found.immutable("spec.attachedRequired", obj["spec"].get("attachRequired"), old["spec"].get("attachRequired"))
        modes = "volumeLifecycleModes"
        found.immutable(f"spec.{modes}", obj["spec"].get(modes), old["spec"].get(modes))
        return found


class CSINodeStrategy(Strategy):
    allow_unconditional_update = False

    def default(self, obj: Object) -> None:
        obj.setdefault("spec", {}).setdefault("drivers", [])

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        seen: set[str] = set()
        for i, driver in enumerate(obj["spec"].get("drivers") or ()):
            path, name = f"spec.drivers[{i}]", driver.get("name") or ""
            validate_csi_driver_name(found, name, f"{path}.name")
            found.present(f"{path}.nodeID", driver.get("nodeID"))
            if name in seen:
                found.duplicate(f"{path}.name", name)
            seen.add(name)
        return found


class CSIStorageCapacityStrategy(Strategy):
    allow_unconditional_update = False

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        found.present("storageClassName", obj.get("storageClassName"))
        for key in ("capacity", "maximumVolumeSize"):
            if obj.get(key) is not None:
                found.non_negative_quantity(key, obj[key])
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors(self.validate(obj))
        for key in ("nodeTopology", "storageClassName"):
            found.immutable(key, obj.get(key), old.get(key))
        return found


class VolumeAttachmentStrategy(Strategy):
    has_status = True
    allow_unconditional_update = False

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        spec = obj.get("spec") or {}
        source = spec.get("source") or {}
        validate_csi_driver_name(found, spec.get("attacher") or "", "spec.attacher")
        given = [key for key in ("inlineVolumeSpec", "persistentVolumeName") if source.get(key) is not None]
        if not given:
            found.required("spec.source", "must specify exactly one of inlineVolumeSpec and persistentVolumeName")
        elif len(given) > 1:
            found.forbidden("spec.source", "must specify exactly one of inlineVolumeSpec and persistentVolumeName")
        elif source.get("persistentVolumeName") == "":
            found.required(_PV, "must specify non empty persistentVolumeName")
        for path, name in (("spec.nodeName", spec.get("nodeName") or ""), (_PV, source.get("persistentVolumeName"))):
            if name is not None:
                found.rule(path, name, names.dns1123_subdomain)
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors(self.validate(obj))
        found.immutable("spec", obj.get("spec"), old.get("spec"))
        return found
