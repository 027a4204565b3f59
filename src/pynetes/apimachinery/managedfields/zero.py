"""What a create is compared with: the object that the original's typed decoder would start from.

Fields that are always written are there already, so a create does not claim them as such: structs by value as `{}`,
required lists, maps and pointers as null, required scalars as their zero value.
"""

from functools import cache
from typing import Any

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.schema.definitions import find_definition_name
from pynetes.apimachinery.schema.types import Field, Type, fields
from pynetes.apimachinery.schema.zero import Policy, zero_of

Object = dict[str, Any]

#: Required fields that are left out all the same.
_LEFT_OUT = frozenset(
    (
        ("CounterSet", "counters"),
        ("DeviceCounterConsumption", "counters"),
        ("IPAddressSpec", "parentRef"),
        ("ValidatingAdmissionPolicyBindingSpec", "validationActions"),
    )
)


@cache
def zero_object(kind: GroupVersionKind) -> Object:
    """Shared: never to be changed."""
    name = find_definition_name(kind)
    out = _zero(name) if name else {}
    return {**out, "apiVersion": kind.api_version, "kind": kind.kind, "metadata": out.get("metadata") or {}}


def complete(obj: Object, kind: GroupVersionKind) -> Object:
    """An object as the original's typed one would say it: with all that is always there."""
    name = find_definition_name(kind)
    return {**_completed(obj, name), "apiVersion": kind.api_version, "kind": kind.kind} if name else obj


def _zero(definition: str) -> Object:
    return _completed({}, definition)


def _completed(obj: Object, definition: str) -> Object:
    out = dict(obj)
    owner = definition.rpartition(".")[2]
    for name, field in fields(definition).items():
        if name in obj:
            out[name] = _completed_value(obj[name], field.type)
        elif (owner, name) in _LEFT_OUT:
            continue
        elif field.policy is Policy.ALWAYS:
            out[name] = _zero(field.type.definition) if field.type.kind == "object" else zero_of(field.type.kind)
        elif field.policy is Policy.NULL or (_required(field) and field.policy is not Policy.DROP):
            out[name] = None
    return out


def _completed_value(value: Any, kind: Type) -> Any:
    if kind.kind == "object" and isinstance(value, dict):
        return _completed(value, kind.definition)
    if kind.item is not None and kind.item.kind == "object":
        if isinstance(value, list):
            return [_completed_value(item, kind.item) for item in value]
        if isinstance(value, dict):
            return {name: _completed_value(item, kind.item) for name, item in value.items()}
    return value


def _required(field: Field) -> bool:
    return field.required and field.type.kind not in ("any", "raw")
