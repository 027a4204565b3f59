"""Reading objects from inside of the API server.

What authentication, authorization, tokens, admission and streaming need of the registry, and no more, so that each can
be tested with a dict. Objects handed out are shared: never change them.
"""

from collections.abc import Callable
from typing import Any, Literal, Protocol

from pynetes.apimachinery.gvk import GroupVersionResource

Change = Literal["ADDED", "MODIFIED", "DELETED"]
Observer = Callable[[Change, dict[str, Any]], None]
"""Called on every change with the new (or, on DELETED, the last) object."""


class ObjectReader(Protocol):
    async def get(self, gvr: GroupVersionResource, name: str, namespace: str | None = None) -> dict[str, Any]:
        """The object; `StatusError` 404 if there is none."""
        ...

    def cached_get(self, gvr: GroupVersionResource, name: str, namespace: str | None = None) -> dict[str, Any] | None:
        """The object as memory has it just now, which may be a moment behind."""
        ...

    def cached_list(self, gvr: GroupVersionResource, namespace: str | None = None) -> list[dict[str, Any]]:
        """All objects of a resource, from memory."""
        ...


async def find(
    objects: ObjectReader, gvr: GroupVersionResource, name: str, namespace: str | None = None
) -> dict[str, Any]:
    """The object from memory, or, should memory not have it yet, from the store; `StatusError` 404 if there is none."""
    return objects.cached_get(gvr, name, namespace) or await objects.get(gvr, name, namespace)
