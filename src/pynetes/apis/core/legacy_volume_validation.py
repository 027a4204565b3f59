"""Volume sources whose in-tree drivers are gone or going; the API still takes and checks them."""

import re
from collections.abc import Callable

from pynetes.apimachinery import names
from pynetes.apis.core.path_validation import validate_local_path
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

SourceCheck = Callable[[FieldErrors, Object, str], None]
_PARTITION = names.range_error(1, 255)  # though 0 is none, and passes
_HOST_PORT = "must be a host:port pair or multiple pairs separated by commas"
_CACHING = ("None", "ReadOnly", "ReadWrite")
_DISK_KINDS = ("Dedicated", "Managed", "Shared")
_MANAGED_URI = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
_BLOB_URI = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"
_INITIATORS = {
    "iqn": re.compile(r"iqn\.\d{4}-\d{2}\.([a-z0-9.-]+\.?)+(:[^,;*&$|\s]+)?", re.ASCII),
    "eui": re.compile(r"eui\.[0-9A-Fa-f]{16}", re.ASCII),
    "naa": re.compile(r"naa\.([0-9A-Fa-f]{32}|[0-9A-Fa-f]{16})", re.ASCII),
}


def requires(*fields: str) -> SourceCheck:
    """A source that only needs some fields to be there."""

    def check(found: FieldErrors, source: Object, path: str) -> None:
        for field in fields:
            found.present(f"{path}.{field}", source.get(field))

    return check


def _disk(field: str) -> SourceCheck:
    def check(found: FieldErrors, source: Object, path: str) -> None:
        found.present(f"{path}.{field}", source.get(field))
        partition = source.get("partition") or 0
        if not 0 <= partition <= 255:
            found.invalid(f"{path}.partition", partition, _PARTITION)

    return check


def _git_repo(found: FieldErrors, source: Object, path: str) -> None:
    found.present(f"{path}.repository", source.get("repository"))
    validate_local_path(found, source.get("directory") or "", f"{path}.directory")


def _initiator(found: FieldErrors, value: str, path: str, stored: bool) -> None:
    pattern = _INITIATORS.get(value[:3])
    if pattern is None and not stored:
        found.invalid(path, value, "must be valid format starting with iqn, eui, or naa")
    elif pattern is None or not pattern.fullmatch(value):
        found.invalid(path, value, "must be valid format")


def initiator(found: FieldErrors, source: Object, volume: str, maximum: int, path: str) -> None:
    """With an initiator's name, the volume's name and the portal make a name on the node."""
    portal = source.get("targetPortal") or ""
    if source.get("initiatorName") is not None and len(f"{volume}:{portal}") > maximum:
        detail = (
            "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is "
            "specified."
        )
        found.invalid(path, volume if path.endswith(".name") else portal, detail)


def iscsi(found: FieldErrors, source: Object, path: str, *, stored: bool = False) -> None:
    """`stored`: of a PersistentVolume, which is told less about forms, and more about its Secret."""
    found.present(f"{path}.targetPortal", source.get("targetPortal"))
    if found.present(f"{path}.iqn", source.get("iqn")):
        _initiator(found, source["iqn"], f"{path}.iqn", stored)
    lun = source.get("lun") or 0
    if not 0 <= lun <= 255:
        found.invalid(f"{path}.lun", lun, names.range_error(0, 255))
    if (source.get("chapAuthDiscovery") or source.get("chapAuthSession")) and source.get("secretRef") is None:
        found.required(f"{path}.secretRef")
    if stored and source.get("secretRef") is not None:
        found.present(f"{path}.secretRef.name", source["secretRef"].get("name"))
    if source.get("initiatorName") is not None:
        _initiator(found, source["initiatorName"], f"{path}.initiatorname", stored)


def fibre_channel(found: FieldErrors, source: Object, path: str) -> None:
    wwns, wwids = source.get("targetWWNs") or [], source.get("wwids") or []
    if not wwns and not wwids:
        found.required(f"{path}.targetWWNs", "must specify either targetWWNs or wwids, but not both")
    if wwns and wwids:
        found.invalid(f"{path}.targetWWNs", wwns, "targetWWNs and wwids can not be specified simultaneously")
    lun = source.get("lun")
    if wwns and lun is None:
        found.required(f"{path}.lun", "lun is required if targetWWNs is specified")
    elif wwns and not 0 <= (lun or 0) <= 255:
        found.invalid(f"{path}.lun", lun, names.range_error(0, 255))


def quobyte(found: FieldErrors, source: Object, path: str) -> None:
    registry = source.get("registry") or ""
    if not registry:
        found.required(f"{path}.registry", _HOST_PORT)
    elif len(source.get("tenant") or "") >= 65:
        found.required(f"{path}.tenant", "must be a UUID and may not exceed a length of 64 characters")
    else:
        for pair in registry.split(","):
            if pair.count(":") != 1 and not re.fullmatch(r"\[[^]]*\]:[^:]*", pair):
                found.invalid(f"{path}.registry", registry, _HOST_PORT)
    found.present(f"{path}.volume", source.get("volume"))


def flocker(found: FieldErrors, source: Object, path: str) -> None:
    name, uuid = source.get("datasetName") or "", source.get("datasetUUID") or ""
    if not name and not uuid:
        found.required(path, "one of datasetName and datasetUUID is required")
    if name and uuid:
        found.invalid(path, "resource", "datasetName and datasetUUID can not be specified simultaneously")
    if "/" in name:
        found.invalid(f"{path}.datasetName", name, "must not contain '/'")


def secret_reference(*fields: str) -> SourceCheck:
    """`volumeID` or the like, and in secretRef, if there is one, these fields."""

    def check(found: FieldErrors, source: Object, path: str) -> None:
        reference = source.get("secretRef")
        if reference is None:
            return
        for field in fields:
            found.present(f"{path}.secretRef.{field}", reference.get(field))

    return check


def both(*checks: SourceCheck) -> SourceCheck:
    def check(found: FieldErrors, source: Object, path: str) -> None:
        for one in checks:
            one(found, source, path)

    return check


def flex_volume(found: FieldErrors, source: Object, path: str) -> None:
    found.present(f"{path}.driver", source.get("driver"))
    for key in source.get("options") or ():
        namespace = "." + key.partition("/")[0].lower()
        if namespace.endswith((".kubernetes.io", ".k8s.io")):
            detail = "kubernetes.io and k8s.io namespaces are reserved"
            found.invalid(f"{path}.options[{key}]", key, detail)


def azure_disk(found: FieldErrors, source: Object, path: str) -> None:
    uri = source.get("diskURI") or ""
    found.present(f"{path}.diskName", source.get("diskName"))
    found.present(f"{path}.diskURI", uri)
    caching, kind = source.get("cachingMode"), source.get("kind")
    if caching is not None and caching not in _CACHING:
        found.not_supported(f"{path}.cachingMode", caching, _CACHING)
    if kind is not None and kind not in _DISK_KINDS:
        found.not_supported(f"{path}.kind", kind, _DISK_KINDS)
    if kind == "Managed" and not uri.startswith("/subscriptions/"):
        found.not_supported(f"{path}.diskURI", uri, (_MANAGED_URI,))
    if kind is not None and kind != "Managed" and not uri.startswith("https://"):
        found.not_supported(f"{path}.diskURI", uri, (_BLOB_URI,))


def storage_os(found: FieldErrors, source: Object, path: str) -> None:
    found.required_rule(f"{path}.volumeName", source.get("volumeName"), names.dns1123_label)
    if source.get("volumeNamespace"):
        found.rule(f"{path}.volumeNamespace", source["volumeNamespace"], names.dns1123_label)


LEGACY_SOURCES: dict[str, SourceCheck] = {
    "gitRepo": _git_repo,
    "gcePersistentDisk": _disk("pdName"),
    "awsElasticBlockStore": _disk("volumeID"),
    "iscsi": iscsi,
    "glusterfs": requires("endpoints", "path"),
    "flocker": flocker,
    "rbd": requires("monitors", "image"),
    "cinder": both(requires("volumeID"), secret_reference("name")),
    "cephfs": requires("monitors"),
    "quobyte": quobyte,
    "fc": fibre_channel,
    "flexVolume": flex_volume,
    "azureFile": requires("secretName", "shareName"),
    "vsphereVolume": requires("volumePath"),
    "photonPersistentDisk": requires("pdID"),
    "portworxVolume": requires("volumeID"),
    "azureDisk": azure_disk,
    "storageos": both(storage_os, secret_reference("name")),
    "scaleIO": requires("gateway", "system", "volumeName"),
}
