"""Defaults of volumes."""

from collections.abc import Callable

from pynetes.apis.core.container_defaults import (
    default_field_ref,
    default_if_empty,
    default_resources,
)
from pynetes.apis.core.image_reference import default_pull_policy
from pynetes.apis.strategy import Object

FILE_MODE = 0o644
TOKEN_SECONDS = 3600


def _default_mode(source: Object) -> None:
    source.setdefault("defaultMode", FILE_MODE)


def _host_path(source: Object) -> None:
    source.setdefault("type", "")


def default_items(items: list[Object] | None) -> None:
    for item in items or ():
        default_field_ref(item.get("fieldRef"))
        if item.get("resourceFieldRef") is not None:
            default_if_empty(item["resourceFieldRef"], divisor="0")


def _downward_api(source: Object) -> None:
    _default_mode(source)
    default_items(source.get("items"))


def _projected(source: Object) -> None:
    _default_mode(source)
    for projection in source.get("sources") or ():
        default_items((projection.get("downwardAPI") or {}).get("items"))
        token = projection.get("serviceAccountToken")
        if token is not None:
            token.setdefault("expirationSeconds", TOKEN_SECONDS)


def iscsi(source: Object) -> None:
    default_if_empty(source, iscsiInterface="default")


def rbd(source: Object) -> None:
    default_if_empty(source, pool="rbd", user="admin", keyring="/etc/ceph/keyring")


def scale_io(source: Object) -> None:
    default_if_empty(source, storageMode="ThinProvisioned", fsType="xfs")


def azure_disk(source: Object) -> None:
    for key, value in (("cachingMode", "ReadWrite"), ("fsType", "ext4"), ("readOnly", False), ("kind", "Shared")):
        source.setdefault(key, value)


def _image(source: Object) -> None:
    default_if_empty(source, pullPolicy=default_pull_policy(source.get("reference") or ""))


def default_claim_spec(spec: Object) -> None:
    spec.setdefault("volumeMode", "Filesystem")
    spec.setdefault("resources", {})
    default_resources(spec["resources"])


def _ephemeral(source: Object) -> None:
    template = source.get("volumeClaimTemplate")
    if template is not None:
        default_claim_spec(template.setdefault("spec", {}))


_SOURCES: dict[str, Callable[[Object], None]] = {
    "secret": _default_mode,
    "configMap": _default_mode,
    "downwardAPI": _downward_api,
    "projected": _projected,
    "hostPath": _host_path,
    "iscsi": iscsi,
    "rbd": rbd,
    "scaleIO": scale_io,
    "azureDisk": azure_disk,
    "image": _image,
    "ephemeral": _ephemeral,
}


def default_volume(volume: Object) -> None:
    if not any(value is not None for key, value in volume.items() if key != "name"):
        volume["emptyDir"] = {}
    for key, value in volume.items():
        if value is not None and key in _SOURCES:
            _SOURCES[key](value)
