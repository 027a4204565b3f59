"""A store of one resource that encrypts what is written and decrypts what is read: all above see plain bytes."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from msgspec.structs import replace

from pynetes.apimachinery.errors import internal
from pynetes.apiserver.encryption import measures
from pynetes.apiserver.encryption.transformer import Transformer, TransformError
from pynetes.component import clock
from pynetes.storage import Batch, Event, KeyExists, KeyValue, ListResult, RevisionConflict, Store, Watch


class EncryptedStore:
    """A `Store` over a store. Beside its errors, StatusError 500 for what cannot be decrypted or encrypted.

    `transformer` is asked at every use: a reload of the configuration is in force at once.
    """

    def __init__(self, store: Store, transformer: Callable[[], Transformer], resource: str = "") -> None:
        """`resource`: its name with its group, for metrics."""
        self._store = store
        self._transformer = transformer
        self._resource = resource

    async def is_stale(self, key: str) -> bool:
        """Whether what lies there is not what would be written now (another key or provider); also if it is gone."""
        found, _ = await self._store.get(key)
        if found is None:
            return True
        return (await self._open(found))[1]

    async def revision(self) -> int:
        return await self._store.revision()

    async def check(self) -> None:
        await self._store.check()

    async def size(self) -> int:
        return await self._store.size()

    async def get(self, key: str, *, revision: int = 0) -> tuple[KeyValue | None, int]:
        found, at = await self._store.get(key, revision=revision)
        return (await self._plain(found) if found is not None else None), at

    async def list(self, prefix: str, *, revision: int = 0, limit: int = 0, start: str = "") -> ListResult:
        found = await self._store.list(prefix, revision=revision, limit=limit, start=start)
        return replace(found, items=await _all_plain(self, found.items))

    async def create(self, key: str, value: bytes, *, ttl: int = 0) -> KeyValue:
        try:
            made = await self._store.create(key, await self._seal(key, value), ttl=ttl)
        except KeyExists as error:
            raise KeyExists(await self._plain(error.current)) from None
        return replace(made, value=value)

    async def update(self, key: str, value: bytes, *, expected: int, ttl: int = 0) -> KeyValue:
        sealed = await self._seal(key, value)
        try:
            made = await self._store.update(key, sealed, expected=expected, ttl=ttl)
        except RevisionConflict as error:
            raise await self._conflict(error) from None
        return replace(made, value=value)

    async def delete(self, key: str, *, expected: int) -> KeyValue:
        try:
            return await self._plain(await self._store.delete(key, expected=expected))
        except RevisionConflict as error:
            raise await self._conflict(error) from None

    def watch(self, prefix: str, *, start: int) -> AbstractAsyncContextManager[Watch]:
        return self._watch(prefix, start)

    @asynccontextmanager
    async def _watch(self, prefix: str, start: int) -> AsyncIterator[Watch]:
        async with self._store.watch(prefix, start=start) as watch:
            yield _PlainWatch(self, watch, start - 1)

    async def compact(self, revision: int) -> None:
        await self._store.compact(revision)

    async def close(self) -> None:
        await self._store.close()

    async def plain(self, kv: KeyValue) -> KeyValue:
        """One of several, so the error names its key."""
        try:
            value, _ = await self._decrypted(kv)
        except TransformError as error:
            raise internal(f'unable to transform key "{kv.key}": {error}') from None
        return replace(kv, value=value)

    async def _plain(self, kv: KeyValue) -> KeyValue:
        return replace(kv, value=(await self._open(kv))[0])

    async def _open(self, kv: KeyValue) -> tuple[bytes, bool]:
        try:
            return await self._decrypted(kv)
        except TransformError as error:
            raise internal(str(error)) from None

    async def _decrypted(self, kv: KeyValue) -> tuple[bytes, bool]:
        began, prefix = clock.monotonic(), measures.prefix_of(kv.value)
        try:
            found = await self._transformer().from_storage(kv.value, kv.key.encode())
        except TransformError:
            measures.failed(self._resource, measures.FROM_STORAGE, prefix)
            raise
        measures.transformed(self._resource, measures.FROM_STORAGE, prefix, clock.monotonic() - began)
        return found

    async def _seal(self, key: str, value: bytes) -> bytes:
        began = clock.monotonic()
        try:
            sealed = await self._transformer().to_storage(value, key.encode())
        except TransformError as error:
            measures.failed(self._resource, measures.TO_STORAGE, "")
            raise internal(str(error)) from None
        prefix = measures.prefix_of(sealed)
        measures.transformed(self._resource, measures.TO_STORAGE, prefix, clock.monotonic() - began)
        return sealed

    async def _conflict(self, error: RevisionConflict) -> RevisionConflict:
        current = await self._plain(error.current) if error.current is not None else None
        return RevisionConflict(error.key, error.expected, current)


async def _all_plain(store: EncryptedStore, items: Sequence[KeyValue]) -> list[KeyValue]:
    return [await store.plain(kv) for kv in items]


class _PlainWatch:
    """A watch of plain values. `told` is the revision that everything up to has been returned."""

    def __init__(self, store: EncryptedStore, watch: Watch, told: int) -> None:
        self._store = store
        self._watch = watch
        self._told = told
        self._decrypting = False

    def __aiter__(self) -> AsyncIterator[Batch]:
        return self

    async def __anext__(self) -> Batch:
        batch = await self._watch.__anext__()
        # A plugin may have to be asked for the key; until it answers, the batch is not told yet.
        self._decrypting = True
        events = [Event(event.type, await self._store.plain(event.kv), None) for event in batch.events]
        self._decrypting = False
        self._told = batch.revision
        return Batch(events, batch.revision)

    @property
    def progress(self) -> int:
        return self._told if self._decrypting else self._watch.progress

    def request_progress(self) -> None:
        self._watch.request_progress()
