"""One stored resource: where its objects lie, reading them, and writing them with the store's errors in API terms."""

from collections.abc import Sequence
from copy import copy
from typing import Any, NoReturn, Protocol, Self

import orjson

from pynetes.apimachinery import errors, json_writer, names
from pynetes.apimachinery.errors import StatusError, not_found
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.quoting import go_quoted
from pynetes.apis.deletion import returns_deleted
from pynetes.apis.resource import Resource
from pynetes.apis.strategy import Strategy
from pynetes.apiserver.cacher import Cacher, Entry
from pynetes.apiserver.encoding import stored_bytes, stored_form
from pynetes.apiserver.encryption.store import EncryptedStore
from pynetes.apiserver.registry.fields import Ownership
from pynetes.apiserver.registry.hooks import NO_HOOKS, Hooks
from pynetes.apiserver.registry.measures import Asked
from pynetes.apiserver.registry.size import check_size
from pynetes.apiserver.registry.turns import Turns
from pynetes.storage import KeyValue, Store, StoreUnavailable

Object = dict[str, Any]


def prefix_of(resource: Resource) -> str:
    """All keys of a resource begin so."""
    return f"/registry/{resource.gvk.group or 'core'}/{resource.plural}/"


class StoredForm(Protocol):
    """How objects lie in the store, where that is not how they are served (custom resources)."""

    async def decode(self, items: Sequence[KeyValue]) -> list[KeyValue]:
        """From stored values to those that are served. StatusError for what cannot be decoded."""
        ...

    async def encode(self, obj: Object) -> bytes:
        """What is stored of an object."""
        ...


class ResourceStore:
    """Reads come from the watch cache, writes go to the store. `resource` is the stored version of the kind; with a
    `form`, the served one."""

    def __init__(
        self,
        resource: Resource,
        store: Store,
        *,
        hooks: Hooks = NO_HOOKS,
        ttl: int = 0,
        form: StoredForm | None = None,
        ownership: Ownership | None = None,
    ) -> None:
        self.resource = resource
        self.strategy = resource.strategy
        self.strategies: dict[GroupVersionKind, Strategy] = {}
        self.group_resource = resource.gvr.group_resource
        self.prefix = prefix_of(resource)
        self.hooks = hooks
        self.ttl = ttl
        self.store = store
        self.form = form
        self.ownership = ownership
        self.cacher = Cacher(
            store,
            self.prefix,
            gvk=resource.gvk,
            fields_of=self.strategy.selectable_fields,
            indexed_field=resource.indexed_field,
            decode=form.decode if form is not None else None,
        )
        self.returns_deleted = returns_deleted(resource.gvk)
        #: Of writers that lost a race.
        self.turns = Turns()

    def named(self, group_resource: str) -> Self:
        """The same store under the name that another group serves it by, which errors tell."""
        if group_resource == self.group_resource:
            return self
        other = copy(self)
        other.group_resource = group_resource
        return other

    def strategy_of(self, kind: GroupVersionKind) -> Strategy:
        """That of the version in which a request is made."""
        return self.strategies.get(kind, self.strategy)

    def key(self, namespace: str, name: str) -> str:
        """StatusError 400 for a name that no path can hold."""
        if "%" in name or name in (".", ".."):
            wrong = ";".join(names.path_segment_name(name))
            raise errors.bad_request(f"Name parameter invalid: {go_quoted(name)}: {wrong}")
        return f"{self.prefix}{namespace}/{name}" if self.resource.namespaced else self.prefix + name

    def scope(self, namespace: str) -> str:
        """The prefix of a namespace's objects, or of all."""
        return f"{self.prefix}{namespace}/" if namespace and self.resource.namespaced else self.prefix

    def not_found(self, name: str) -> StatusError:
        return not_found(self.group_resource, name)

    async def get(self, namespace: str, name: str, revision: int | None = None) -> Entry:
        """The object, as fresh as asked (None: the newest); StatusError 404."""
        key = self.key(namespace, name)
        # While it is not ready, another object may be what cannot be decoded.
        if self.cacher.is_ready and await self.cacher.serves(revision):
            entry = self.cacher.get(key)
        else:
            entry = await self.read(key)
        if entry is None:
            raise self.not_found(name)
        return entry

    def cached(self, namespace: str, name: str) -> Entry | None:
        """The object as memory has it just now."""
        return self.cacher.get(self.key(namespace, name))

    async def read(self, key: str) -> Entry | None:
        """The object as the store has it: for a write that found the cache behind."""
        with self._asked("get"):
            found, _ = await self.store.get(key)
        return await self.entry(found) if found else None

    async def create(self, key: str, obj: Object, *, keep_owners: bool = True) -> Entry:
        """Writes an object that is not there yet; from here on it is shared. KeyExists, StoreUnavailable; StatusError
        500 for one that is too large. `keep_owners`: rather than to write it without its managed fields."""
        data, stored = await self._fitting(key, obj, keep_owners)
        with self.cacher.foretold(data, stored):
            with self._asked("create"):
                kv = await self.store.create(key, data, ttl=self.ttl)
            return await self._written(kv)

    async def update(self, key: str, obj: Object, *, expected: int, keep_owners: bool = True) -> Entry:
        """Writes an object in the place of its version `expected`; otherwise as `create`. RevisionConflict."""
        data, stored = await self._fitting(key, obj, keep_owners)
        with self.cacher.foretold(data, stored):
            with self._asked("update"):
                kv = await self.store.update(key, data, expected=expected, ttl=self.ttl)
            return await self._written(kv)

    async def delete(self, key: str, *, expected: int) -> KeyValue:
        """Deletes the version `expected` of an object. RevisionConflict, StoreUnavailable."""
        with self._asked("delete"):
            return await self.store.delete(key, expected=expected)

    def _asked(self, operation: str) -> Asked:
        gvr = self.resource.gvr
        return Asked(operation, gvr.group, gvr.resource)

    async def entry(self, kv: KeyValue) -> Entry:
        """The entry of what the store returned."""
        if self.form is not None:
            (kv,) = await self.form.decode((kv,))
        return self.cacher.entry(kv)

    async def _written(self, kv: KeyValue) -> Entry:
        """The entry of what was written: with a store in this process, the cacher has it by now."""
        known = self.cacher.get(kv.key)
        return known if known is not None and known.mod_revision == kv.mod_revision else await self.entry(kv)

    async def _fitting(self, key: str, obj: Object, keep_owners: bool) -> tuple[bytes, Object | None]:
        data, stored = await self._encoded(obj)
        try:
            check_size(key, data, obj)
        except StatusError:
            if keep_owners or not obj["metadata"].pop("managedFields", None):
                raise
            return await self._fitting(key, obj, True)
        return data, stored

    async def _encoded(self, obj: Object) -> tuple[bytes, Object | None]:
        """What is stored of an object, and what the cacher will read there, if that is the same."""
        if self.form is not None:
            return await self.form.encode(obj), None
        stored = stored_form(obj)
        return json_writer.encode(stored), stored

    async def is_stored(self, obj: Object, current: Entry) -> bool:
        """Whether a write of `obj` would change nothing. Writing an object as it is moves it to the storage version."""
        if not same_text(obj, current.object):
            return False
        if isinstance(self.store, EncryptedStore) and await self.store.is_stale(current.key):
            return False  # a write moves it to the key and provider that write now
        if self.form is None:
            return True
        found, _ = await self.store.get(current.key)
        if found is None:
            return False
        value = await self.form.encode(obj)
        return found.value == value or same_text(orjson.loads(found.value), orjson.loads(value))

    def unsaved(self, obj: Object, revision: int = 0, key: str = "") -> Entry:
        """The entry of an object that was not written: a dry run's, or a write that changed nothing."""
        data = stored_bytes(obj)
        if revision:
            return self.cacher.entry(KeyValue(key, data, revision, revision))
        return Entry(key, data, 0)


def same_text(obj: Object, other: Object) -> bool:
    """Whether two objects are written alike but for the order of their fields: 1 and true are equal, but not here."""
    if obj != other:
        return False
    return json_writer.encode(obj, orjson.OPT_SORT_KEYS) == json_writer.encode(other, orjson.OPT_SORT_KEYS)


def raise_unavailable(error: StoreUnavailable) -> NoReturn:
    raise errors.store_failed(error) from error
