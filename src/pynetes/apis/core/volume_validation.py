"""Volumes of a pod spec."""

from collections.abc import Callable

from pynetes.apimachinery import names, quantity
from pynetes.apimachinery.quoting import go_quoted
from pynetes.apis.core.csi_names import validate_csi_driver_name
from pynetes.apis.core.legacy_volume_validation import LEGACY_SOURCES, initiator
from pynetes.apis.core.path_validation import validate_file_mode, validate_no_backsteps
from pynetes.apis.core.persistent_volume_claim_validation import validate_claim_template
from pynetes.apis.core.projected_volume_validation import validate_downward_api_file, validate_projected
from pynetes.apis.core.projected_volume_validation import validate_key_to_path as _key_to_path
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

_HOST_PATH_TYPES = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MORE_THAN_ONE = "may not specify more than 1 volume type"
# Two sources are reported under another name than their field's, an old slip that clients may match.
REPORTED_AS = {"cephfs": "cephFS", "downwardAPI": "downwarAPI"}
CHECKED_AS = {"gcePersistentDisk": "persistentDisk"}
SourceCheck = Callable[[FieldErrors, Object, str], None]


def validate_volumes(found: FieldErrors, volumes: list[Object], pod_name: str, path: str) -> dict[str, Object]:
    """The usable volumes by name."""
    usable: dict[str, Object] = {}
    generated = {f"{pod_name}-{v.get('name')}" for v in volumes if pod_name and v.get("ephemeral") is not None}
    for index, volume in enumerate(volumes):
        own = f"{path}[{index}]"
        errors = FieldErrors()
        name = volume.get("name") or ""
        _source(errors, volume, name, pod_name, own)
        errors.required_rule(f"{own}.name", name, names.dns1123_label)
        if name in usable:
            errors.duplicate(f"{own}.name", name)
        if not errors:
            usable[name] = volume
        found += errors
        claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if claim in generated:
            detail = "must not reference a PVC that gets created for an ephemeral volume"
            found.invalid(f"{own}.persistentVolumeClaim.claimName", claim, detail)
    return usable


def _source(found: FieldErrors, volume: Object, name: str, pod_name: str, path: str) -> None:
    given = [field for field, value in volume.items() if value is not None and field in SOURCES]
    if len(given) > 1:
        given.sort(key=list(SOURCES).index)
    if not given:
        found.required(path, "must specify a volume type")
        return
    for field in given:
        if field != given[0]:
            found.forbidden(f"{path}.{REPORTED_AS.get(field, field)}", _MORE_THAN_ONE)
        else:
            SOURCES[field](found, volume[field], f"{path}.{CHECKED_AS.get(field, field)}")
            if field == "ephemeral" and pod_name and name:
                claim = f"{pod_name}-{name}"
                for problem in names.dns1123_subdomain(claim):
                    found.invalid(f"{path}.name", name, f"PVC name {go_quoted(claim)}: {problem}")
        if field == "iscsi":
            initiator(found, volume[field], name, 64, f"{path}.name")


def _empty_dir(found: FieldErrors, source: Object, path: str) -> None:
    limit = source.get("sizeLimit")
    if limit is not None and quantity.parse(limit) < quantity.parse("0"):
        found.forbidden(f"{path}.sizeLimit", "SizeLimit field must be a valid resource quantity")


def _host_path(found: FieldErrors, source: Object, path: str) -> None:
    if not found.present(f"{path}.path", source.get("path")):
        return
    validate_no_backsteps(found, source["path"], f"{path}.path")
    kind = source.get("type")
    if kind is not None and kind not in _HOST_PATH_TYPES:
        found.not_supported(f"{path}.type", kind, _HOST_PATH_TYPES)


def _secret(found: FieldErrors, source: Object, path: str) -> None:
    found.present(f"{path}.secretName", source.get("secretName"))
    _items(found, source, path)


def _config_map(found: FieldErrors, source: Object, path: str) -> None:
    found.present(f"{path}.name", source.get("name"))
    _items(found, source, path)


def _items(found: FieldErrors, source: Object, path: str) -> None:
    validate_file_mode(found, source.get("defaultMode"), f"{path}.defaultMode")
    for index, item in enumerate(source.get("items") or ()):
        _key_to_path(found, item, f"{path}.items[{index}]")


def _downward_api(found: FieldErrors, source: Object, path: str) -> None:
    validate_file_mode(found, source.get("defaultMode"), f"{path}.defaultMode")
    for item in source.get("items") or ():
        validate_downward_api_file(found, item, path)


def _projected(found: FieldErrors, source: Object, path: str) -> None:
    validate_file_mode(found, source.get("defaultMode"), f"{path}.defaultMode")
    validate_projected(found, source, path)


def _claim(found: FieldErrors, source: Object, path: str) -> None:
    found.present(f"{path}.claimName", source.get("claimName"))


def nfs(found: FieldErrors, source: Object, path: str) -> None:
    found.present(f"{path}.server", source.get("server"))
    found.present(f"{path}.path", source.get("path"))
    if not (source.get("path") or "").startswith("/"):
        found.invalid(f"{path}.path", source.get("path") or "", "must be an absolute path")


def _csi(found: FieldErrors, source: Object, path: str) -> None:
    validate_csi_driver_name(found, source.get("driver") or "", f"{path}.driver")
    reference = source.get("nodePublishSecretRef")
    if reference is not None:
        if not reference.get("name"):
            found.required(f"{path}.nodePublishSecretRef.name")
        else:
            found.rule(f"{path}.name", reference["name"], names.dns1123_subdomain)


def _ephemeral(found: FieldErrors, source: Object, path: str) -> None:
    template = source.get("volumeClaimTemplate")
    if template is None:
        found.required(f"{path}.volumeClaimTemplate")
    else:
        validate_claim_template(found, template, f"{path}.volumeClaimTemplate")


def _image(found: FieldErrors, source: Object, path: str) -> None:
    if path.startswith("spec.volumes["):  # a template may leave it to whoever makes the pod
        found.present(f"{path}.reference", source.get("reference"))
    found.one_of(f"{path}.pullPolicy", source.get("pullPolicy"), _PULL_POLICIES)


_CHECKS: dict[str, SourceCheck] = {
    "emptyDir": _empty_dir,
    "hostPath": _host_path,
    "secret": _secret,
    "nfs": nfs,
    "persistentVolumeClaim": _claim,
    "downwardAPI": _downward_api,
    "configMap": _config_map,
    "projected": _projected,
    "csi": _csi,
    "ephemeral": _ephemeral,
    "image": _image,
    **LEGACY_SOURCES,
}
# The order counts: the first source that is given is checked, the others are one too many.
_ORDER = (
    *("emptyDir", "hostPath", "gitRepo", "gcePersistentDisk", "awsElasticBlockStore", "secret", "nfs"),
    *("iscsi", "glusterfs", "flocker", "persistentVolumeClaim", "rbd", "cinder", "cephfs", "quobyte"),
    *("downwardAPI", "fc", "flexVolume", "configMap", "azureFile", "vsphereVolume"),
    *("photonPersistentDisk", "portworxVolume", "azureDisk", "storageos", "projected", "scaleIO"),
    *("csi", "ephemeral", "image"),
)
SOURCES: dict[str, SourceCheck] = {source: _CHECKS[source] for source in _ORDER}
