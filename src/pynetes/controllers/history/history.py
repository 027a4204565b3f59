"""Reading and writing an owner's ControllerRevisions."""

from collections.abc import Awaitable, Callable
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.selectors import LabelSelector
from pynetes.apis.names import CONTROLLER_REVISIONS
from pynetes.client.informer import Informer
from pynetes.client.rest import Client
from pynetes.controllers.history import revisions
from pynetes.controllers.podcontrol.claims import Claimer

Object = dict[str, Any]


class RevisionCollision(Exception):
    """Another template has the name that this one would get; the owner's collision count must rise."""


class History:
    """The revisions of owners of one kind; `hash_label` is the label that carries their hash."""

    def __init__(self, client: Client, informer: Informer, hash_label: str) -> None:
        self._client = client
        self._informer = informer
        self.hash_label = hash_label

    async def of(self, owner: Object, selector: LabelSelector, fresh: Callable[[], Awaitable[Object]]) -> list[Object]:
        """The owner's revisions, oldest first, after adopting and releasing."""
        claimer = Claimer(self._client, CONTROLLER_REVISIONS, owner, fresh)
        found = await claimer.claim(selector, self._informer.list(meta.namespace(owner)))
        return sorted(found, key=revisions.order)

    async def current(self, owner: Object, known: list[Object]) -> tuple[Object, list[Object]]:
        """The revision of the owner's template, made or moved to the front as needed, and the others."""
        same = [r for r in known if revisions.matches(owner, r)]
        old = [r for r in known if not revisions.matches(owner, r)]
        number = max((r.get("revision") or 0 for r in old), default=0) + 1
        if not same:
            return await self._create(owner, number), old
        keep = same[-1]
        if (keep.get("revision") or 0) < number:
            keep = await self._client.update(CONTROLLER_REVISIONS, {**keep, "revision": number})
        for duplicate in same[:-1]:
            await self.delete(duplicate)
        return keep, old

    async def _create(self, owner: Object, number: int) -> Object:
        count = (owner.get("status") or {}).get("collisionCount")
        wanted = revisions.new_revision(owner, number, count, self.hash_label)
        try:
            return await self._client.create(CONTROLLER_REVISIONS, wanted)
        except StatusError as error:
            if error.reason != "AlreadyExists":
                raise
        found = await self._client.get(CONTROLLER_REVISIONS, meta.name(wanted), meta.namespace(wanted))
        if meta.is_controlled_by(found, owner) and revisions.matches(owner, found):
            return found
        raise RevisionCollision(meta.name(wanted))

    async def trim(self, owner: Object, old: list[Object], live: set[str]) -> None:
        """Deletes what is beyond revisionHistoryLimit."""
        limit = owner["spec"].get("revisionHistoryLimit")
        if limit is None:
            limit = 10
        for revision in revisions.surplus(old, live, limit, self.hash_label):
            await self.delete(revision)

    async def delete(self, revision: Object) -> None:
        try:
            await self._client.delete(CONTROLLER_REVISIONS, meta.name(revision), meta.namespace(revision))
        except StatusError as error:
            if error.code != 404:
                raise
