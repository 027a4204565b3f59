"""From kubectl's client-side apply to server-side apply: what its annotation allows, and keeping it up to date."""

from typing import Any

import orjson

from pynetes.apimachinery import json_writer
from pynetes.apimachinery.managedfields import fieldset
from pynetes.apimachinery.managedfields.check import check
from pynetes.apimachinery.managedfields.compare import compare
from pynetes.apimachinery.managedfields.elements import html_safe
from pynetes.apimachinery.managedfields.extract import fields_of
from pynetes.apimachinery.managedfields.fieldset import FieldSet
from pynetes.apimachinery.managedfields.items import TypedError
from pynetes.apimachinery.managedfields.types import Type

Object = dict[str, Any]

ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
_MAX_ANNOTATIONS = 256 << 10


def allowed_conflicts(live: Object, api_version: str, kind: Type) -> FieldSet | None:
    """What the last client-side apply set and nobody has changed since; None if there is no telling."""
    text = _annotation(live)
    if not text:
        return None
    try:
        applied = orjson.loads(text)
        if not isinstance(applied, dict) or applied.get("apiVersion") != api_version or not applied.get("kind"):
            return None
        check(applied, kind)
        changes = compare(applied, live, kind)
        fields = fields_of(applied, kind)
    except (ValueError, TypedError):
        return None
    for changed in (changes.modified, changes.added, changes.removed):
        fields = fieldset.difference(fields, changed)
    return fields


def _annotation(obj: Object) -> str:
    return str(((obj.get("metadata") or {}).get("annotations") or {}).get(ANNOTATION) or "")


def follow(obj: Object, config: Object) -> None:
    """Writes the configuration into an annotation that is there, so that client-side apply still works afterwards."""
    if not _annotation(obj):
        return
    metadata = dict(config.get("metadata") or {})
    if metadata.get("annotations"):
        left = {name: value for name, value in metadata["annotations"].items() if name != ANNOTATION}
        metadata["annotations"] = left
        if not left:
            del metadata["annotations"]
    text = html_safe(json_writer.encode({**config, "metadata": metadata}, orjson.OPT_SORT_KEYS).decode()) + "\n"
    annotations = {**obj["metadata"]["annotations"], ANNOTATION: text}
    if sum(len(name.encode()) + len(value.encode()) for name, value in annotations.items()) > _MAX_ANNOTATIONS:
        del annotations[ANNOTATION]
    obj["metadata"] = {**obj["metadata"], "annotations": annotations}
