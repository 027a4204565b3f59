"""Table columns of the group."""

from typing import Any

from pynetes.apis.cells import NONE, UNSET, at, count, field
from pynetes.apis.resource import AGE, NAME, Column, Object, schema_text

_DEFAULT_CLASS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)
_CLASS = "storage.v1.StorageClass."
_DRIVER = "storage.v1.CSIDriverSpec."
_ATTACHMENT = "storage.v1.VolumeAttachment"


def is_default_class(storage_class: Object) -> bool:
    annotations = at(storage_class, "metadata", "annotations") or {}
    return any(annotations.get(key) == "true" for key in _DEFAULT_CLASS)


def _class_name(storage_class: Object) -> str:
    return str(storage_class["metadata"].get("name") or "") + (" (default)" if is_default_class(storage_class) else "")


STORAGE_CLASS = (
    Column("Name", _class_name, format="name", description=NAME.source),
    Column("Provisioner", field("provisioner"), description=schema_text(_CLASS + "provisioner")),
    Column(
        "ReclaimPolicy", field("reclaimPolicy", default="Delete"), description=schema_text(_CLASS + "reclaimPolicy")
    ),
    Column(
        "VolumeBindingMode",
        field("volumeBindingMode", default="Immediate"),
        description=schema_text(_CLASS + "volumeBindingMode"),
    ),
    Column(
        "AllowVolumeExpansion",
        field("allowVolumeExpansion", default=False),
        description=schema_text(_CLASS + "allowVolumeExpansion"),
    ),
    AGE,
)
VOLUME_ATTRIBUTES_CLASS = (
    NAME,
    Column("DriverName", field("driverName"), description=schema_text("storage.v1.VolumeAttributesClass.driverName")),
    AGE,
)
VOLUME_ATTACHMENT = (
    NAME,
    Column(
        "Attacher", field("spec", "attacher"), format="name", description=schema_text(_ATTACHMENT + "Spec.attacher")
    ),
    Column(
        "PV",
        field("spec", "source", "persistentVolumeName"),
        description=schema_text(_ATTACHMENT + "Source.persistentVolumeName"),
    ),
    Column("Node", field("spec", "nodeName"), description=schema_text(_ATTACHMENT + "Spec.nodeName")),
    Column(
        "Attached",
        field("status", "attached", default=False),
        "boolean",
        description=schema_text(_ATTACHMENT + "Status.attached"),
    ),
    AGE,
)
CSI_NODE = (
    NAME,
    Column(
        "Drivers",
        count("spec", "drivers"),
        "integer",
        description="Drivers indicates the number of CSI drivers registered on the node",
    ),
    AGE,
)


def _audiences(driver: Object) -> str:
    requests = at(driver, "spec", "tokenRequests")
    return UNSET if requests is None else ",".join(request.get("audience") or "" for request in requests)


def _driver(name: str, key: str, default: Any = False) -> Column:
    cell = field("spec", key, default=default)
    return Column(name, cell, "boolean", description=schema_text(_DRIVER + key))


CSI_DRIVER = (
    NAME,
    _driver("AttachRequired", "attachRequired", True),
    _driver("PodInfoOnMount", "podInfoOnMount"),
    _driver("StorageCapacity", "storageCapacity"),
    Column("TokenRequests", _audiences, description=schema_text(_DRIVER + "tokenRequests")),
    _driver("RequiresRepublish", "requiresRepublish"),
    Column(
        "Modes",
        lambda o: ",".join(at(o, "spec", "volumeLifecycleModes") or ()) or NONE,
        description=schema_text(_DRIVER + "volumeLifecycleModes"),
    ),
    AGE,
)
