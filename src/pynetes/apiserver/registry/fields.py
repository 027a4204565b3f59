"""Managed fields in writes: a FieldManager for every endpoint, and what else the registry does about them."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from msgspec import Struct

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.managedfields import (
    CUSTOM_STATUS_RESET,
    BuiltInVersions,
    ConversionNeeded,
    FieldManager,
    Versions,
    excluding,
)
from pynetes.apimachinery.managedfields.fieldset import Path
from pynetes.apimachinery.managedfields.scale import REPLICAS
from pynetes.apimachinery.times import format_seconds
from pynetes.apis.conversion import convert
from pynetes.apis.reset_fields import reset_of
from pynetes.apis.resource import Resource
from pynetes.component import clock
from pynetes.component.aside import aside

Object = dict[str, Any]
T = TypeVar("T")


#: Where the built-in kinds that can be scaled keep their replicas.
BUILT_IN_REPLICAS: Mapping[str, Path] = {"v1": REPLICAS, "apps/v1": REPLICAS}


class Ownership(Struct, frozen=True):
    """What ownership needs to know of a custom resource: its versions, and where each keeps its replicas (an empty path
    for one without a scale). `fill` finds out about a conversion that could not be had at once."""

    versions: Versions
    replicas: Mapping[str, Path]
    fill: Callable[[ConversionNeeded], Awaitable[None]] | None = None


async def settled(ownership: Ownership | None, ask: Callable[[], T], size: int) -> T:
    """What a FieldManager answers about a body of that size, once all conversions that it needs are known."""
    while True:
        try:
            return await aside(ask, size)
        except ConversionNeeded as needed:
            assert ownership is not None
            assert ownership.fill is not None
            await ownership.fill(needed)


def field_manager(
    resource: Resource, kind: GroupVersionKind, subresource: str, ownership: Ownership | None
) -> FieldManager:
    """For a resource or a subresource; `kind` is that of the endpoint's bodies, `ownership` a custom resource's."""
    if ownership is None or kind != resource.gvk:
        versions: Versions = BuiltInVersions(kind.group, kind.kind, convert)
        return FieldManager(kind, versions, subresource=subresource, reset=reset_of(resource, subresource))
    reset = excluding("status") if resource.has_status else None
    if subresource == "status":
        reset = CUSTOM_STATUS_RESET
    return FieldManager(kind, ownership.versions, subresource=subresource, reset=reset)


def now() -> str:
    return format_seconds(int(clock.time_seconds()))


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
