"""The other direction of strategic merge: the patch between two objects, as kubectl computes a two-way diff."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.patch import merge_patch
from pynetes.apimachinery.patch.directives import DELETE_FROM, DIRECTIVE, RETAIN_KEYS, SET_ORDER
from pynetes.apimachinery.patch.json_patch import same_json
from pynetes.apimachinery.patch.lookup import Node, node_of


def diff(original: dict[str, Any], modified: dict[str, Any], gvk: GroupVersionKind) -> dict[str, Any]:
    """A patch that `strategic.apply` turns `original` into `modified` with; empty if they are the same.

    For kinds without a schema it is a JSON merge patch.
    """
    node = node_of(gvk)
    return merge_patch.diff(original, modified) if node is None else _diff_map(original, modified, node)


def _diff_map(original: dict[str, Any], modified: dict[str, Any], node: Node) -> dict[str, Any]:
    patch: dict[str, Any] = {key: None for key in original if key not in modified}
    for key, value in modified.items():
        if key not in original:
            patch[key] = meta.copy(value)
        elif not same_json(original[key], value):
            patch.update(_diff_field(key, original[key], value, node.child(key)))
    return patch


def _diff_field(key: str, before: Any, after: Any, node: Node) -> dict[str, Any]:
    """What the patch says about one changed field."""
    if isinstance(before, dict) and isinstance(after, dict) and not node.replaces:
        inner = _diff_map(before, after, node)
        if node.retains_keys and inner:
            inner[RETAIN_KEYS] = sorted(after)
        return {key: inner}
    if isinstance(before, list) and isinstance(after, list) and node.merges:
        if node.merge_key and all(isinstance(item, dict) for item in [*before, *after]):
            return _diff_items(key, before, after, node)
        if not node.merge_key:
            return _diff_scalars(key, before, after)
    return {key: meta.copy(after)}


def _diff_scalars(key: str, before: list[Any], after: list[Any]) -> dict[str, Any]:
    gone = [item for item in before if item not in after]
    new = [item for item in after if item not in before]
    out: dict[str, Any] = {f"{SET_ORDER}/{key}": list(after)}
    if gone:
        out[f"{DELETE_FROM}/{key}"] = gone
    if new:
        out[key] = new
    return out


def _diff_items(key: str, before: list[Any], after: list[Any], node: Node) -> dict[str, Any]:
    assert node.item is not None
    merge_key = node.merge_key
    known = {item[merge_key]: item for item in before}
    kept = {item[merge_key] for item in after}
    changes: list[Any] = []
    for item in after:
        own = item[merge_key]
        if own not in known:
            changes.append(meta.copy(item))
        elif not same_json(known[own], item):
            changes.append({**_diff_map(known[own], item, node.item), merge_key: own})
    changes += [{DIRECTIVE: "delete", merge_key: own} for own in known if own not in kept]
    out: dict[str, Any] = {f"{SET_ORDER}/{key}": [{merge_key: item[merge_key]} for item in after]}
    if changes:
        out[key] = changes
    return out
