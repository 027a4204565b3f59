"""JSON merge patch (RFC 7386): members replace, null deletes, lists are replaced whole."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import bad_request
from pynetes.apimachinery.patch.json_patch import same_json


def apply(document: Any, patch: Any) -> Any:
    """The merged document, which shares what stays with `document` and what is new with the patch.

    StatusError 400 if the patch is no object.
    """
    if not isinstance(patch, dict):
        raise bad_request("Invalid JSON Patch")
    return _merge(document, patch)


def _merge(document: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    out = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = _merge(out.get(key), value)
    return out


def diff(original: dict[str, Any], modified: dict[str, Any]) -> dict[str, Any]:
    """The smallest patch that makes `modified` of `original` (which must hold no nulls)."""
    patch: dict[str, Any] = {key: None for key in original if key not in modified}
    for key, value in modified.items():
        before = original.get(key)
        if key not in original:
            patch[key] = meta.copy(value)
        elif isinstance(value, dict) and isinstance(before, dict):
            inner = diff(before, value)
            if inner:
                patch[key] = inner
        elif not same_json(before, value):
            patch[key] = meta.copy(value)
    return patch
