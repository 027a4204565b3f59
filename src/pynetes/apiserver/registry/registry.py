"""All resources of the API server: their stores and caches, and reading objects from inside of the server."""

import asyncio
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pynetes.apimachinery.errors import StatusError, route_not_found
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apis.registry import RESOURCES, by_gvk
from pynetes.apis.resource import Resource
from pynetes.apiserver.cacher import Entry, WatchEvent
from pynetes.apiserver.objects import Observer
from pynetes.apiserver.registry.hooks import NO_HOOKS, Hooks
from pynetes.apiserver.registry.resource import ResourceStore
from pynetes.component import clock
from pynetes.component.tasks import Tasks
from pynetes.storage import Store, StoreError

if TYPE_CHECKING:
    from pynetes.apiserver.encryption.encryption import Encryption

Object = dict[str, Any]

log = logging.getLogger(__name__)

_READY_TIMEOUT = 60.0
_RETRY = 1.0


class Registry:
    """Stores by resource; several versions of a kind share one. Implements `objects.ObjectReader`."""

    def __init__(
        self,
        store: Store,
        *,
        hooks: dict[GroupVersionResource, Hooks] | None = None,
        event_ttl: int = 3600,
        resources: Iterable[Resource] = RESOURCES,
        encryption: "Encryption | None" = None,
    ) -> None:
        self.store = store
        self._encryption = encryption
        self.built_in = tuple(resources)
        self._custom: dict[GroupVersionResource, Resource] = {}
        self._stores: dict[GroupVersionResource, ResourceStore] = {}
        stored = [resource for resource in self.built_in if "list" in resource.verbs and _stored(resource)]
        for resource in stored:
            if resource.storage_gvk is None:
                self._stores[resource.gvr] = ResourceStore(
                    resource,
                    self.store_for(resource),
                    hooks=(hooks or {}).get(resource.gvr, NO_HOOKS),
                    ttl=event_ttl if resource.expires else 0,
                )
        for resource in stored:
            if resource.storage_gvk is not None:
                target = by_gvk(resource.storage_gvk)
                assert target is not None
                rs = self._stores[resource.gvr] = self._stores[target.gvr].named(resource.gvr.group_resource)
                if resource.own_rules:
                    rs.strategies[resource.gvk] = resource.strategy

    @property
    def resources(self) -> tuple[Resource, ...]:
        """All that are served just now."""
        return (*self.built_in, *self._custom.values())

    @property
    def stores(self) -> list[ResourceStore]:
        """Those of built-in resources, each once."""
        return [rs for gvr, rs in self._stores.items() if gvr not in self._custom and rs.resource.gvr == gvr]

    def add(self, rs: ResourceStore) -> None:
        """A custom resource comes, in one of its versions; the caller runs its cacher."""
        self._custom[rs.resource.gvr] = rs.resource
        self._stores[rs.resource.gvr] = rs

    def remove(self, rs: ResourceStore) -> None:
        """It goes."""
        if self._stores.get(rs.resource.gvr) is rs:
            del self._custom[rs.resource.gvr], self._stores[rs.resource.gvr]

    def store_of(self, gvr: GroupVersionResource) -> ResourceStore:
        found = self._stores.get(gvr)
        if found is None:
            raise route_not_found()
        return found

    def has(self, gvr: GroupVersionResource) -> bool:
        return gvr in self._stores

    def store_for(self, resource: Resource) -> Store:
        """The store as a resource's objects lie in it: plain, or encrypted as configured."""
        if self._encryption is None:
            return self.store
        return self._encryption.store_of(resource.gvk.group, resource.plural, self.store)

    def start(self, tasks: Tasks) -> None:
        """Starts following the store."""
        for rs in self.stores:
            tasks.start(rs.cacher.run(), name=f"cacher {rs.group_resource}")

    async def ready(self) -> None:
        """Waits until every cache has its state, or has found that what the store holds cannot be read."""
        async with asyncio.timeout(_READY_TIMEOUT):
            for rs in self.stores:
                await rs.cacher.settled()

    # --- reading from inside (objects are shared: never change them)

    async def get(self, gvr: GroupVersionResource, name: str, namespace: str | None = None) -> Object:
        return (await self.store_of(gvr).get(namespace or "", name)).object

    def cached_get(self, gvr: GroupVersionResource, name: str, namespace: str | None = None) -> Object | None:
        """The object as memory has it just now."""
        entry = self.store_of(gvr).cached(namespace or "", name)
        return entry.object if entry else None

    def cached_list(self, gvr: GroupVersionResource, namespace: str | None = None) -> list[Object]:
        rs = self.store_of(gvr)
        return [entry.object for entry in rs.cacher.entries(rs.scope(namespace or ""))]

    async def observe(
        self, gvr: GroupVersionResource, observer: Observer, *, synced: asyncio.Event | None = None
    ) -> None:
        """Tells `observer` all objects and then every change, until cancelled; `synced` is set after the first all.

        A store that is slow or away is waited for. StatusError, if there is a `synced` to set, for what cannot be read.
        """
        cacher = self.store_of(gvr).cacher
        following = Following(observer)
        while True:
            await cacher.settled()
            if cacher.failure is not None and synced is not None and not synced.is_set():
                raise cacher.failure
            try:
                watcher = await cacher.watch(send_initial_events=True, bookmarks=True)
            except (StatusError, StoreError) as error:
                log.warning("observer of %s waits: %s", gvr, error)
                await clock.sleep(_RETRY)
                continue
            async with watcher:
                following.begin()
                async for frames in watcher:
                    for event in frames:
                        following.apply(event)
                        if event.type == "BOOKMARK" and synced is not None:
                            synced.set()

    async def feed(self, gvr: GroupVersionResource, observer: Observer, tasks: Tasks) -> None:
        """Starts to observe; returns when the observer has been told all objects."""
        synced = asyncio.Event()
        tasks.start(self.observe(gvr, observer, synced=synced), name=f"observer of {gvr}")
        await synced.wait()


class Following:
    """Turns watches, each beginning with the whole state, into one sequence of changes."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._known: dict[str, Entry] = {}
        self._listed: set[str] | None = None

    def begin(self) -> None:
        """A new watch starts: objects that its state does not have are gone."""
        self._listed = set()

    def apply(self, event: WatchEvent) -> None:
        if event.type == "BOOKMARK":
            self._forget_unlisted()
            return
        entry = event.entry
        key, obj = entry.key, entry.object
        if self._listed is not None:
            self._listed.add(key)
        if event.type == "DELETED":
            self._known.pop(key, None)
            self._observer("DELETED", obj)
            return
        self._observer("MODIFIED" if key in self._known else "ADDED", obj)
        self._known[key] = entry

    def _forget_unlisted(self) -> None:
        if self._listed is None:
            return
        for key in self._known.keys() - self._listed:
            self._observer("DELETED", self._known.pop(key).object)
        self._listed = None


def _stored(resource: Resource) -> bool:
    return resource.gvk.kind != "ComponentStatus"
