"""The strategic merge patch from one pod status to the next: only what changed, conditions one by one. Pure."""

from collections.abc import Mapping
from typing import Any

_MERGED_LISTS = {"conditions": "type", "podIPs": "ip", "hostIPs": "ip"}
"""Lists that the API merges by a key: others' entries survive ours."""


def without_nulls(value: Any) -> Any:
    """null and absent mean the same."""
    if isinstance(value, Mapping):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [without_nulls(v) for v in value]
    return value


def same_status(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return not status_patch(one, other)


def status_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Empty when there is nothing to say."""
    before, after = without_nulls(old), without_nulls(new)
    out: dict[str, Any] = {}
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key), after.get(key)
        if was == now:
            continue
        if key in _MERGED_LISTS:
            if changes := _list_patch(was or [], now or [], _MERGED_LISTS[key]):
                out[key] = changes
        else:
            out[key] = now
    return out


def _list_patch(old: list[dict[str, Any]], new: list[dict[str, Any]], merge_key: str) -> list[dict[str, Any]]:
    before = {item[merge_key]: item for item in old}
    after = {item[merge_key]: item for item in new}
    out = []
    for key, item in after.items():
        known = before.get(key, {})
        if item != known:
            # Fields that vanished must be named to go.
            out.append({**dict.fromkeys(known.keys() - item.keys()), **item})
    return out + [{"$patch": "delete", merge_key: key} for key in before if key not in after]
