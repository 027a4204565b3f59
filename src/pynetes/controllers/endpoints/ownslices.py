"""The EndpointSlices that one controller manages: by Service, as the cache knows them, and written."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import ENDPOINT_SLICES
from pynetes.client.informer import Informer
from pynetes.client.rest import Client
from pynetes.controllers.endpoints.slices import MANAGED_BY, SERVICE_NAME
from pynetes.controllers.podcontrol.writes import PendingWrites

Object = dict[str, Any]


class Plan(Protocol):
    """Whole objects to write."""

    @property
    def create(self) -> list[Object]: ...
    @property
    def update(self) -> list[Object]: ...
    @property
    def delete(self) -> list[Object]: ...


class OwnSlices:
    """Slices that carry the label of `manager`. Keys are their Services'.

    `enqueue(key)` is called for all that is seen: what another wrote is checked; one's own writes end the waiting.
    `changes` counts what is written, by operation.
    """

    def __init__(
        self,
        client: Client,
        informer: Informer,
        manager: str,
        enqueue: Callable[[str], None],
        changes: Counter[str],
    ) -> None:
        self._client = client
        self._informer = informer
        self._manager = manager
        self._enqueue = enqueue
        self._changes = changes
        self._pending = PendingWrites()
        informer.add_index(manager, self._keys)
        informer.add_handler(self._seen, self._updated, self._gone)

    def of(self, key: str) -> list[Object]:
        return [slice_ for slice_ in self._informer.by_index(self._manager, key) if not meta.is_deleting(slice_)]

    def is_stale(self, key: str) -> bool:
        """Whether the cache lacks some of one's own writes; it enqueues the key when it shows them."""
        return self._pending.is_stale(key)

    def forget(self, key: str) -> None:
        self._pending.forget(key)

    async def carry_out(self, key: str, plan: Plan, *, create: bool = True) -> None:
        """Writes a plan; without what it creates if the Service is on its way out. StatusError."""
        for slice_ in plan.create if create else ():
            self._wrote(key, await self._client.create(ENDPOINT_SLICES, slice_))
            self._changes["create"] += 1
        for slice_ in plan.update:
            self._wrote(key, await self._client.update(ENDPOINT_SLICES, slice_))
            self._changes["update"] += 1
        for slice_ in plan.delete:
            await self.delete(key, slice_)

    async def delete(self, key: str, slice_: Object) -> None:
        try:
            await self._client.delete(ENDPOINT_SLICES, meta.name(slice_), meta.namespace(slice_))
        except StatusError as error:
            if error.code != 404:
                raise
            return
        self._changes["delete"] += 1
        if self._informer.get(meta.key(slice_)) is not None:
            self._pending.deleted(key, slice_)

    def _wrote(self, key: str, written: Object) -> None:
        cached = self._informer.get(meta.key(written))
        if cached is None or int(meta.resource_version(cached)) < int(meta.resource_version(written)):
            self._pending.wrote(key, written)

    def _keys(self, slice_: Object) -> list[str]:
        labels = meta.labels(slice_)
        if labels.get(MANAGED_BY) != self._manager or not labels.get(SERVICE_NAME):
            return []
        return [f"{meta.namespace(slice_)}/{labels[SERVICE_NAME]}"]

    def _seen(self, slice_: Object) -> None:
        for key in self._keys(slice_):
            self._pending.seen(key, slice_)
            self._enqueue(key)

    def _updated(self, old: Object, new: Object) -> None:
        if self._keys(old) != self._keys(new):
            self._gone(old)
        self._seen(new)

    def _gone(self, slice_: Object) -> None:
        for key in self._keys(slice_):
            self._pending.gone(key, slice_)
            self._enqueue(key)
