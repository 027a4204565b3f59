"""CSIDriver, CSINode, CSIStorageCapacity and VolumeAttachment: what drivers and the attach controller exchange."""

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.validation import validate_label_selector
from pynetes.apis.core.csi_names import validate_csi_driver_name
from pynetes.apis.core.persistent_volume import default_volume_source
from pynetes.apis.core.persistent_volume_validation import validate_volume_spec
from pynetes.apis.equality import semantic_equal
from pynetes.apis.field_errors import IMMUTABLE, FieldErrors, go_struct
from pynetes.apis.strategy import CHANGE, RESET_METADATA, WHOLE, Object, Strategy

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
_MIN_TOKEN_SECONDS = 10 * 60
_MAX_TOKEN_SECONDS = 2**32
_SHORTEST_PERIOD = 10
_MAX_NODE_ID = 256
_MAX_METADATA = 256 * 1024
_MAX_MESSAGE = 1024
_ALLOCATABLE: Object = {"allocatable": None}
_TOKENS_IN_SECRETS = (
    "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible "
    "logging of tokens in volume attributes"
)
_PV = "spec.source.persistentVolumeName"


class CSIDriverStrategy(Strategy):
    update_metadata = CHANGE
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
        """The generation counts from the first change on."""
        obj["spec"].pop("preventPodSchedulingIfMissing", None)

    def prepare_for_update(self, obj: Object, old: Object) -> None:
        if old["spec"].get("preventPodSchedulingIfMissing") is None:
            obj["spec"].pop("preventPodSchedulingIfMissing", None)
        super().prepare_for_update(obj, old)

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        spec = obj["spec"]
        if spec.get("fsGroupPolicy") not in _FS_GROUP_POLICIES:
            found.not_supported("spec.fsGroupPolicy", spec.get("fsGroupPolicy") or "", _FS_GROUP_POLICIES)
        _token_requests(found, spec.get("tokenRequests") or [], "spec.tokenRequests")
        for mode in spec.get("volumeLifecycleModes") or ():
            if mode not in _LIFECYCLE_MODES:
                found.not_supported("spec.volumeLifecycleModes", mode, _LIFECYCLE_MODES)
        period, in_secrets = spec.get("nodeAllocatableUpdatePeriodSeconds"), spec.get("serviceAccountTokenInSecrets")
        if period is not None and period < _SHORTEST_PERIOD:
            detail = f"must be greater than or equal to {_SHORTEST_PERIOD} seconds"
            found.invalid("spec.nodeAllocatableUpdatePeriodSeconds", period, detail)
        if in_secrets is not None and not spec.get("tokenRequests"):
            detail = "serviceAccountTokenInSecrets is set but no tokenRequests are specified"
            found.invalid("spec.serviceAccountTokenInSecrets", in_secrets, detail)
        return found

    def warnings(self, obj: Object, old: Object | None = None) -> list[str]:
        spec, before = obj["spec"], (old or {}).get("spec") or {}
        same = old is not None and semantic_equal(spec.get("tokenRequests"), before.get("tokenRequests"))
        if not spec.get("tokenRequests") or spec.get("serviceAccountTokenInSecrets") is not None or same:
            return []
        return [_TOKENS_IN_SECRETS]

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors(self.validate(obj))
        # sic: the path that clients know misspells the field
        found.immutable("spec.attachedRequired", obj["spec"].get("attachRequired"), old["spec"].get("attachRequired"))
        modes = "volumeLifecycleModes"
        found.immutable(f"spec.{modes}", obj["spec"].get(modes), old["spec"].get(modes))
        return found


def _token_requests(found: FieldErrors, requests: list[Object], path: str) -> None:
    seen: set[str] = set()
    for index, request in enumerate(requests):
        own, audience, seconds = f"{path}[{index}]", request.get("audience") or "", request.get("expirationSeconds")
        if audience in seen:
            found.duplicate(f"{own}.audience", audience)
            continue
        seen.add(audience)
        if seconds is not None and seconds < _MIN_TOKEN_SECONDS:
            found.invalid(f"{own}.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
        if seconds is not None and seconds > _MAX_TOKEN_SECONDS:
            found.invalid(f"{own}.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds")


class CSINodeStrategy(Strategy):
    update_metadata = WHOLE
    allow_unconditional_update = False

    def default(self, obj: Object) -> None:
        obj.setdefault("spec", {})

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        seen: set[str] = set()
        for i, driver in enumerate(obj["spec"].get("drivers") or ()):
            path, name = f"spec.drivers[{i}]", driver.get("name") or ""
            validate_csi_driver_name(found, name, f"{path}.name")
            node_id = driver.get("nodeID") or ""
            found.present(f"{path}.nodeID", node_id)
            if names.size(node_id) > _MAX_NODE_ID:
                found.invalid(f"{path}.nodeID", node_id, f"must be {_MAX_NODE_ID} characters or less")
            found.non_negative(f"{path}.allocatable.count", (driver.get("allocatable") or {}).get("count"))
            if name in seen:
                found.duplicate(f"{path}.name", name)
            seen.add(name)
            _topology_keys(found, driver.get("topologyKeys") or [], path)
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        """What a driver said of a node stays, but for how many volumes it can attach."""
        found = FieldErrors(self.validate(obj))
        now = {driver.get("name"): driver for driver in obj["spec"].get("drivers") or ()}
        for before in old["spec"].get("drivers") or ():
            driver = now.get(before.get("name"))
            if driver is not None and not semantic_equal(driver | _ALLOCATABLE, before | _ALLOCATABLE):
                shown = go_struct(driver, Name="", NodeID="", TopologyKeys=None, Allocatable=None) or {}
                found.invalid("spec.drivers", {**shown, "Allocatable": None}, IMMUTABLE)
        return found


def _topology_keys(found: FieldErrors, keys: list[str], path: str) -> None:
    for index, key in enumerate(keys):
        found.present(path, key)
        if key in keys[:index]:
            found.duplicate(path, key)
        found.rule(path, key, names.qualified_name)


class CSIStorageCapacityStrategy(Strategy):
    allow_unconditional_update = False

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors(validate_label_selector(obj.get("nodeTopology"), "nodeTopology"))
        found.rule("storageClassName", obj.get("storageClassName") or "", names.dns1123_subdomain)
        if obj.get("capacity") is not None:
            found.non_negative_quantity("capacity", obj["capacity"])
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors(self.validate(obj))
        for key in ("nodeTopology", "storageClassName"):
            found.immutable(key, obj.get(key), old.get(key))
        return found


class VolumeAttachmentStrategy(Strategy):
    update_metadata = WHOLE
    has_status = True
    status_keeps_metadata = RESET_METADATA
    allow_unconditional_update = False

    def default(self, obj: Object) -> None:
        inline = ((obj.get("spec") or {}).get("source") or {}).get("inlineVolumeSpec")
        if inline is not None:
            default_volume_source(inline)

    def prepare_for_create(self, obj: Object) -> None:
        super().prepare_for_create(obj)
        obj["status"] = {"attached": False}

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
        elif given == ["inlineVolumeSpec"]:
            validate_volume_spec(found, source["inlineVolumeSpec"], "spec.source.inlineVolumeSpec", inline=True)
        found.rule("spec.nodeName", spec.get("nodeName") or "", names.dns1123_subdomain)
        _attachment_status(found, obj.get("status") or {})
        if source.get("persistentVolumeName") is not None:
            found.rule(_PV, source["persistentVolumeName"], names.dns1123_subdomain)
        return found

    def validate_status_update(self, obj: Object, old: Object) -> list[FieldError]:
        return self.validate_update(obj, old)

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors(self.validate(obj))
        found.immutable("spec", obj.get("spec"), old.get("spec"))
        return found


def _attachment_status(found: FieldErrors, status: Object) -> None:
    metadata = status.get("attachmentMetadata") or {}
    if sum(names.size(key) + names.size(value) for key, value in metadata.items()) > _MAX_METADATA:
        found.too_long("status.attachmentMetadata", _MAX_METADATA)
    for field in ("attachError", "detachError"):
        error = status.get(field) or {}
        if names.size(error.get("message") or "") > _MAX_MESSAGE:
            found.too_long(f"status.{field}.message", _MAX_METADATA)  # sic: the bound of the metadata is told
        if error.get("errorCode") is not None and error["errorCode"] < 0:
            found.invalid(f"status.{field}.errorCode", error["errorCode"], names.range_error(0, 2**31 - 1))
