"""What files a ConfigMap, a Secret or the downward API becomes: pure functions from objects to a payload."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from pynetes.kubelet import downward
from pynetes.kubelet.volumes.plugin import VolumeError
from pynetes.kubelet.volumes.writer import File

DEFAULT_MODE = 0o644

Items = Sequence[Mapping[str, Any]] | None


def mode_of(source: Mapping[str, Any]) -> int:
    """The volume's `defaultMode` (the API server fills it in; static pods may come without)."""
    value = source.get("defaultMode")
    return DEFAULT_MODE if value is None else int(value)


def config_map(found: Mapping[str, Any] | None, items: Items, mode: int, *, optional: bool) -> dict[str, File]:
    data = {key: str(value).encode() for key, value in ((found or {}).get("data") or {}).items()}
    data |= {key: base64.b64decode(value) for key, value in ((found or {}).get("binaryData") or {}).items()}
    return _select(data, items, mode, optional, "configmap references non-existent config key")


def secret(found: Mapping[str, Any] | None, items: Items, mode: int, *, optional: bool) -> dict[str, File]:
    data = {key: base64.b64decode(value or "") for key, value in ((found or {}).get("data") or {}).items()}
    return _select(data, items, mode, optional, "references non-existent secret key")


def _select(data: Mapping[str, bytes], items: Items, mode: int, optional: bool, missing: str) -> dict[str, File]:
    if not items:
        return {key: File(value, mode) for key, value in data.items()}
    files = {}
    for item in items:
        if item["key"] in data:
            item_mode = item.get("mode")
            files[item["path"]] = File(data[item["key"]], mode if item_mode is None else int(item_mode))
        elif not optional:
            raise VolumeError(f"{missing}: {item['key']}")
    return files


def downward_api(pod: Mapping[str, Any], items: Items, mode: int, node: Mapping[str, Any] | None) -> dict[str, File]:
    files = {}
    for item in items or ():
        try:
            if ref := item.get("fieldRef"):
                text = downward.pod_field(pod, ref["fieldPath"])
            else:
                text = downward.container_resource(
                    pod, None, item.get("resourceFieldRef") or {}, node, default_init_limits=True
                )
        except downward.FieldPathError as error:
            raise VolumeError(str(error)) from None
        item_mode = item.get("mode")
        files[item["path"]] = File(text.encode(), mode if item_mode is None else int(item_mode))
    return files
