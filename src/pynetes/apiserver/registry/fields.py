"""Managed fields in writes: a FieldManager for every endpoint of a built-in kind, and what else the registry does."""

from typing import Any

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.managedfields import BuiltInVersions, FieldManager
from pynetes.apimachinery.times import format_time
from pynetes.apis.conversion import convert
from pynetes.apis.reset_fields import reset_of
from pynetes.apis.resource import Resource
from pynetes.component import clock

Object = dict[str, Any]


def built_in(resource: Resource, kind: GroupVersionKind, subresource: str = "") -> FieldManager:
    """For a resource of a built-in kind, or a subresource of it; `kind` is that of the endpoint's bodies."""
    versions = BuiltInVersions(kind.group, kind.kind, convert)
    return FieldManager(kind, versions, subresource=subresource, reset=reset_of(resource, subresource))


def now() -> str:
    return format_time(clock.now())


def take_entries(obj: Object) -> Any:
    """The entries that a client sent, out of its object; None if there are none."""
    return obj["metadata"].pop("managedFields", None)


def without_entries(obj: Object) -> Object:
    """A copy of an object's first two levels without its entries."""
    if "managedFields" not in obj["metadata"]:
        return obj
    metadata = {name: value for name, value in obj["metadata"].items() if name != "managedFields"}
    return {**obj, "metadata": metadata}


def put_entries(obj: Object, entries: Any) -> None:
    if entries:
        obj["metadata"]["managedFields"] = entries


def keep_times(obj: Object, old: Object) -> None:
    """A write that changes nothing but times of entries changes nothing."""
    entries, earlier = obj["metadata"].get("managedFields"), old["metadata"].get("managedFields")
    if entries is earlier or not entries or not earlier or len(entries) != len(earlier):
        return
    if all(a.get("time") == b.get("time") for a, b in zip(entries, earlier, strict=True)):
        return
    if any(_timeless(a) != _timeless(b) for a, b in zip(entries, earlier, strict=True)):
        return
    if without_entries(obj) == without_entries(old):
        obj["metadata"]["managedFields"] = earlier


def _timeless(entry: Object) -> Object:
    return {name: value for name, value in entry.items() if name != "time"}
