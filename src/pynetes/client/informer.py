"""Caches that follow the cluster: a reflector's objects by key, with indexes and change handlers.

Everything happens on one event loop, so there is no queue between reflector and cache: an event updates the cache and
its indexes, then calls the handlers in the order they were added. Handlers are plain functions that must not block;
most of them add a key to a work queue.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

from pynetes.apimachinery import meta
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apimachinery.selectors import LabelSelector
from pynetes.client.reflector import Reflector
from pynetes.client.rest import Client
from pynetes.client.watch import DELETED, WatchEvent
from pynetes.component.tasks import Tasks

log = logging.getLogger(__name__)

Object = dict[str, Any]
Objects = list[Object]
IndexFunction = Callable[[Object], list[str]]
NAMESPACE_INDEX = "namespace"


class _Handler(Struct, frozen=True):
    on_add: Callable[[Object], None] | None
    on_update: Callable[[Object, Object], None] | None
    on_delete: Callable[[Object], None] | None


class Index:
    """Values of one function over the cached objects → the keys that have them."""

    def __init__(self, function: IndexFunction) -> None:
        self._function = function
        self._keys: dict[str, dict[str, None]] = {}

    def insert(self, key: str, obj: Object) -> None:
        for value in self._function(obj):
            self._keys.setdefault(value, {})[key] = None

    def remove(self, key: str, obj: Object) -> None:
        for value in self._function(obj):
            keys = self._keys.get(value)
            if keys is not None:
                keys.pop(key, None)
                if not keys:
                    del self._keys[value]

    def keys(self, value: str) -> Iterable[str]:
        return self._keys.get(value, ())

    def values(self) -> Iterable[str]:
        return self._keys.keys()


class Informer:
    """The cached state of one collection. Objects are shared: copy (`meta.copy`) before changing one."""

    def __init__(
        self,
        client: Client,
        gvr: GroupVersionResource,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
    ) -> None:
        self.gvr = gvr
        self._objects: dict[str, Object] = {}
        self._indexes: dict[str, Index] = {NAMESPACE_INDEX: Index(_by_namespace)}
        self._handlers: list[_Handler] = []
        self._synced = asyncio.Event()
        self.reflector = Reflector(
            client,
            gvr,
            self,
            namespace=namespace,
            label_selector=label_selector,
            field_selector=field_selector,
            metadata_only=metadata_only,
        )

    # -- reading

    @property
    def has_synced(self) -> bool:
        """Whether the first list has arrived."""
        return self._synced.is_set()

    async def wait_for_sync(self) -> None:
        await self._synced.wait()

    def get(self, key: str) -> Object | None:
        """The object at `namespace/name`, or `name` in cluster scope."""
        return self._objects.get(key)

    def keys(self) -> list[str]:
        return list(self._objects)

    def __len__(self) -> int:
        return len(self._objects)

    def list(self, namespace: str | None = None, selector: LabelSelector | None = None) -> Objects:
        """The objects of a namespace, or all, that a label selector matches, or all."""
        found = list(self._objects.values()) if namespace is None else self.by_index(NAMESPACE_INDEX, namespace)
        if selector is None:
            return found
        return [obj for obj in found if selector.matches(meta.labels(obj))]

    def by_index(self, index: str, value: str) -> Objects:
        return [self._objects[key] for key in self._indexes[index].keys(value)]

    def add_index(self, name: str, function: IndexFunction) -> None:
        """Adds an index unless there is one of that name already; what is cached is indexed at once."""
        if name in self._indexes:
            return
        index = self._indexes[name] = Index(function)
        for key, obj in self._objects.items():
            index.insert(key, obj)

    # -- following

    def add_handler(
        self,
        on_add: Callable[[Object], None] | None = None,
        on_update: Callable[[Object, Object], None] | None = None,
        on_delete: Callable[[Object], None] | None = None,
    ) -> None:
        """Calls these for every change from now on, and `on_add` for what is cached already."""
        self._handlers.append(_Handler(on_add, on_update, on_delete))
        for obj in list(self._objects.values()):
            _call(on_add, obj)

    async def run(self) -> None:
        """Follows the collection until cancelled."""
        await self.reflector.run()

    # -- fed by the reflector

    def replace(self, items: Objects) -> None:
        current = {meta.key(obj): _trimmed(obj) for obj in items}
        for key in [key for key in self._objects if key not in current]:
            self._delete(key)
        for key, obj in current.items():
            known = self._objects.get(key)
            if known is not None and meta.uid(known) != meta.uid(obj):
                self._delete(key)  # deleted and created again while nobody looked
            self._put(key, obj)
        self._synced.set()

    def apply(self, event: WatchEvent) -> None:
        key = meta.key(event.object)
        if event.type == DELETED:
            self._delete(key, _trimmed(event.object))
        else:
            self._put(key, _trimmed(event.object))

    def _put(self, key: str, obj: Object) -> None:
        old = self._objects.get(key)
        if old is not None:
            if old["metadata"].get("resourceVersion") == obj["metadata"].get("resourceVersion"):
                return
            for index in self._indexes.values():
                index.remove(key, old)
        self._objects[key] = obj
        for index in self._indexes.values():
            index.insert(key, obj)
        for handler in self._handlers:
            if old is None:
                _call(handler.on_add, obj)
            else:
                _call(handler.on_update, old, obj)

    def _delete(self, key: str, last: Object | None = None) -> None:
        old = self._objects.pop(key, None)
        if old is None:
            return
        for index in self._indexes.values():
            index.remove(key, old)
        for handler in self._handlers:
            _call(handler.on_delete, last or old)


def _trimmed(obj: Object) -> Object:
    """Without managed fields: half of an object, and of no use to those who watch. A write without them keeps them."""
    obj["metadata"].pop("managedFields", None)
    return obj


def _call(function: Callable[..., None] | None, *args: Object) -> None:
    """A handler's error is its own: neither the cache nor the other handlers suffer."""
    if function is None:
        return
    try:
        function(*args)
    except Exception:
        log.exception("an informer's handler failed")


def _by_namespace(obj: Object) -> list[str]:
    return [obj["metadata"].get("namespace", "")]


class InformerFactory:
    """One shared informer for each collection asked for. Informers made after `start` start at once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._informers: dict[tuple[Any, ...], Informer] = {}
        self._started: set[tuple[Any, ...]] = set()
        self._tasks: Tasks | None = None

    def informer(
        self,
        gvr: GroupVersionResource,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
    ) -> Informer:
        key = (gvr, namespace, label_selector, field_selector, metadata_only)
        found = self._informers.get(key)
        if found is None:
            found = self._informers[key] = Informer(
                self._client,
                gvr,
                namespace=namespace,
                label_selector=label_selector,
                field_selector=field_selector,
                metadata_only=metadata_only,
            )
            self._start_new()
        return found

    def existing(self, gvr: GroupVersionResource) -> Informer | None:
        """The informer of the whole collection, if someone asked for it."""
        return self._informers.get((gvr, None, "", "", False))

    def start(self, tasks: Tasks) -> None:
        """Runs every informer in `tasks`."""
        self._tasks = tasks
        self._start_new()

    def _start_new(self) -> None:
        if self._tasks is None:
            return
        for key, informer in self._informers.items():
            if key not in self._started:
                self._started.add(key)
                self._tasks.start(informer.run(), name=f"informer {informer.gvr}")

    async def wait_for_sync(self) -> None:
        """Returns when every informer has its first list."""
        for informer in list(self._informers.values()):
            await informer.wait_for_sync()
