"""Adoption and release: which of the objects that a selector finds belong to a controller.

`claim` is pure; `Claimer` carries its patches out.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apimachinery.selectors import LabelSelector
from pynetes.client.rest import Client

Object = dict[str, Any]


class Claims(Struct, frozen=True):
    """Objects that are the owner's already, orphans it should adopt, objects it should let go."""

    owned: list[Object]
    adopt: list[Object]
    release: list[Object]


def claim(owner: Object, selector: LabelSelector, objects: list[Object]) -> Claims:
    """What an owner's selector says about the objects of its namespace."""
    found = Claims([], [], [])
    deleting = meta.is_deleting(owner)
    for obj in objects:
        reference = meta.controller_of(obj)
        matches = selector.matches(meta.labels(obj))
        if reference is None:
            if matches and not deleting and not meta.is_deleting(obj):
                found.adopt.append(obj)
        elif reference["uid"] == meta.uid(owner):
            if matches:
                found.owned.append(obj)
            elif not deleting:
                found.release.append(obj)
    return found


def adoption_patch(owner: Object, obj: Object) -> Object:
    """A strategic merge patch; the uid makes it fail if the name has come to mean another object."""
    return {"metadata": {"uid": meta.uid(obj), "ownerReferences": [meta.owner_reference(owner)]}}


def release_patch(owner: Object, obj: Object) -> Object:
    reference = {"$patch": "delete", "uid": meta.uid(owner)}
    return {"metadata": {"uid": meta.uid(obj), "ownerReferences": [reference]}}


class CannotAdopt(Exception):
    """The owner is being deleted or was replaced: it must not take new dependents."""


class Claimer:
    """Claims objects of `gvr` for one owner; `fresh` reads the owner from the API server, not from the cache."""

    def __init__(
        self, client: Client, gvr: GroupVersionResource, owner: Object, fresh: Callable[[], Awaitable[Object]]
    ) -> None:
        self._client = client
        self._gvr = gvr
        self._owner = owner
        self._fresh = fresh

    async def claim(self, selector: LabelSelector, objects: list[Object]) -> list[Object]:
        """The objects that are the owner's, after adopting and releasing; the first error comes last."""
        claims = claim(self._owner, selector, objects)
        owned = list(claims.owned)
        errors: list[Exception] = []
        for obj in claims.release:
            await self._try(self._release(obj), errors)
        if claims.adopt:
            await self._check_owner()
        for obj in claims.adopt:
            if await self._try(self._adopt(obj), errors):
                owned.append(obj)
        if errors:
            raise errors[0]
        return owned

    async def _check_owner(self) -> None:
        fresh = await self._fresh()
        name = f"{self._owner['kind']} {meta.key(self._owner)}"
        if meta.uid(fresh) != meta.uid(self._owner):
            raise CannotAdopt(f"original {name} is gone: got uid {meta.uid(fresh)}, wanted {meta.uid(self._owner)}")
        if meta.is_deleting(fresh):
            deleted = fresh["metadata"]["deletionTimestamp"]
            raise CannotAdopt(f"{name} has just been deleted at {deleted}")

    async def _try(self, patching: Awaitable[None], errors: list[Exception]) -> bool:
        """Whether it worked; an object that is gone is nobody's."""
        try:
            await patching
        except StatusError as error:
            if error.code != 404:
                errors.append(error)
            return False
        return True

    async def _adopt(self, obj: Object) -> None:
        await self._patch(obj, adoption_patch(self._owner, obj))

    async def _release(self, obj: Object) -> None:
        try:
            await self._patch(obj, release_patch(self._owner, obj))
        except StatusError as error:
            if error.code != 422:  # no reference left, or another object under this name
                raise

    async def _patch(self, obj: Object, patch: Object) -> None:
        await self._client.patch(self._gvr, meta.name(obj), patch, meta.namespace(obj), type="strategic")
