"""Metadata of objects whose kind has no definition of its own: typed as every object's is."""

from typing import Any

import msgspec

from pynetes.apimachinery.schema.checker import Checker
from pynetes.apimachinery.schema.structs import definition_decoder

Object = dict[str, Any]

OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_UNKNOWN = "unknown field "
_EMPTY_IS_ABSENT = ("finalizers", "labels", "ownerReferences")


class MetadataError(ValueError):
    """Not metadata; the text is Go's."""


def typed_metadata(value: Any) -> tuple[Object, list[str]]:
    """The metadata in canonical form, and the names of fields that were dropped. MetadataError."""
    try:
        return without_empties(definition_decoder(OBJECT_META).convert(value)), []
    except (msgspec.ValidationError, ValueError, RecursionError):
        pass
    checker = Checker()
    try:
        found = checker.check(OBJECT_META, value)
    except ValueError as error:
        raise MetadataError(str(error)) from None
    return without_empties(found), [
        text.removeprefix(_UNKNOWN).strip('"') for text in checker.strict if text.startswith(_UNKNOWN)
    ]


def without_empties(metadata: Object) -> Object:
    """Nothing of a custom resource is judged by them; an empty list of managed fields is a wish."""
    for name in _EMPTY_IS_ABSENT:
        if name in metadata and not metadata[name]:
            del metadata[name]
    return metadata


def lenient_metadata(value: Any) -> Object:
    """The same of what was stored: fields that cannot be read are dropped."""
    try:
        return typed_metadata(value)[0]
    except MetadataError:
        pass
    out: Object = {}
    for name, item in value.items() if isinstance(value, dict) else ():
        try:
            out |= typed_metadata({name: item})[0]
        except MetadataError:
            continue
    return out
