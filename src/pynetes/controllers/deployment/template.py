"""Pod templates: when two are the same, and the hash that names a ReplicaSet."""

from typing import Any

import orjson

from pynetes.apimachinery import names, quantity

Object = dict[str, Any]

HASH_LABEL = "pod-template-hash"


def template_hash(template: Object, collision_count: int | None) -> str:
    """A short name for a template, in the alphabet of generated names; the collision count gives it another."""
    data = orjson.dumps(_canonical(template), option=orjson.OPT_SORT_KEYS)
    if collision_count is not None:
        data += collision_count.to_bytes(8, "little", signed=True)
    return names.safe_encode(str(fnv32a(data)))


def fnv32a(data: bytes) -> int:
    """The 32-bit FNV-1a hash."""
    value = 0x811C9DC5
    for byte in data:
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def same_template(a: Object, b: Object) -> bool:
    """Equal in meaning, the hash label aside: absent and empty are one, quantities count by value."""
    return a == b or _canonical(a) == _canonical(b)


def _canonical(template: Object) -> Object:
    meta = dict(template.get("metadata") or {})
    meta["labels"] = {k: v for k, v in (meta.get("labels") or {}).items() if k != HASH_LABEL}
    meta["annotations"] = meta.get("annotations") or {}
    meta.pop("creationTimestamp", None)
    return {"metadata": _without_empty(meta), "spec": _without_empty(template.get("spec") or {})}


def _without_empty(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        if key in ("limits", "requests"):
            return {name: _amount(amount) for name, amount in value.items()}
        return {k: _without_empty(v, k) for k, v in value.items() if v is not None and v != []}
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    return value


def _amount(value: Any) -> Any:
    try:
        return str(quantity.parse(value))
    except ValueError:
        return value


def replica_set_name(deployment: str, hash_: str) -> str:
    """`deployment-hash`, cut so that it stays a valid name."""
    return f"{deployment[: 253 - len(hash_) - 1]}-{hash_}"
