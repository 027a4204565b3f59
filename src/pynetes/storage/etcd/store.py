"""The store's verbs in etcd's: a write is a transaction that compares the key's mod_revision."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Self, TypeAlias, TypeVar

from google.protobuf.message import Message

from pynetes.component.tasks import BackgroundTasks
from pynetes.storage.coalesced import Coalesced
from pynetes.storage.etcd import cluster_pb2 as cluster
from pynetes.storage.etcd import epoch
from pynetes.storage.etcd import rpc_pb2 as pb
from pynetes.storage.etcd.endpoints import Endpoints, TLSFiles
from pynetes.storage.etcd.feed import Feed, key_value
from pynetes.storage.etcd.leases import Leases
from pynetes.storage.etcd.tending import tend
from pynetes.storage.etcd.writes import write
from pynetes.storage.hub import Hub
from pynetes.storage.interface import (
    Compacted,
    Event,
    FutureRevision,
    KeyExists,
    KeyValue,
    ListResult,
    RevisionConflict,
    StoreUnavailable,
    Watch,
)
from pynetes.storage.keys import prefix_end

R = TypeVar("R", bound=Message)
Events: TypeAlias = list[Event]
Put: TypeAlias = tuple[pb.TxnResponse, KeyValue | None]
"""etcd's answer; what lies there, if an earlier attempt has put it."""

_WRITES = 256
"""Writes under way at a time: more would not be faster, and etcd refuses when too many wait."""
_COMPACTION_TIMEOUT = 120.0
_CLOSE_TIMEOUT = 5.0
_CATCH_UP = 0.05
# A key that nothing has: reading it tells the revision alone.
_NO_KEY = b"\0"
_NO_LEASE = "etcdserver: requested lease not found"


class EtcdStore:
    """A `Store`."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._tasks = BackgroundTasks("etcd")
        self._newest = Coalesced(self._read_revision, self._tasks)
        self._hub = Hub(self._read_after, newest=self._newest)
        self._feed = Feed(endpoints, self._hub, self._newest)
        self._leases = Leases(self._grant)
        self._offset = 0  # added to etcd's revisions, see `epoch`
        self._compacted = 0  # the newest compacted revision that we heard of
        self._writing = asyncio.Semaphore(_WRITES)
        self._open_writes = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False
        self._write_failed = False

    @classmethod
    async def open(cls, addresses: Sequence[str], tls: TLSFiles | None = None, *, sync: bool = False) -> Self:
        """Connects to a cluster by any of its members; the first is preferred, `sync` follows who is a member.

        StoreUnavailable says which failed, and how.
        """
        store = cls(Endpoints(addresses, tls))
        try:
            await store._begin()
        except BaseException:
            await store.close()
            raise
        store._tasks.start(store._feed.run(), name="feed")
        if sync or store._endpoints.several:
            store._tasks.start(tend(store._endpoints, sync=sync), name="members")
        return store

    async def _begin(self) -> None:
        found, revision = await epoch.read(self._endpoints)
        if found.restoring:
            raise StoreUnavailable(
                "a restore into this etcd has not come to its end: if it does not run any more, run it again"
            )
        self._offset = self._feed.offset = self._compacted = found.offset
        self._hub.published = revision + found.offset

    async def _call(
        self, method: str, request: Message, response: type[R], *, repeatable: bool = True, timeout: float = 0
    ) -> R:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        return await self._endpoints.call(
            f"/etcdserverpb.{method}", request, response, repeatable=repeatable, timeout=timeout
        )

    # --- reads, all of them linearizable

    async def revision(self) -> int:
        revision = await self._newest()
        if revision > self._hub.published:
            # Mostly its event is a moment away; who wants it in a watch cache need not ask again.
            await asyncio.wait((self._hub.reached(revision),), timeout=_CATCH_UP)
        return revision

    async def _read_revision(self) -> int:
        told = self._hub.published
        request = pb.RangeRequest(key=_NO_KEY, count_only=True)
        revision = (await self._call("KV/Range", request, pb.RangeResponse)).header.revision + self._offset
        if revision < told:
            error = StoreUnavailable(f"etcd went back from revision {told} to {revision}: it was restored")
            self._hub.restart(error, revision)
            self._feed.reconnect()
        return revision

    async def check(self) -> None:
        await self._newest()
        if self._write_failed:  # an etcd that is full serves reads
            request = cluster.AlarmRequest(action=cluster.AlarmRequest.GET)
            alarms = (await self._call("Maintenance/Alarm", request, cluster.AlarmResponse)).alarms
            if alarms:
                raise StoreUnavailable(f"etcd: alarm {cluster.AlarmType.Name(alarms[0].alarm)}")
            self._write_failed = False

    async def size(self) -> int:
        """Of the database of the member in use."""
        return (await self._call("Maintenance/Status", cluster.StatusRequest(), cluster.StatusResponse)).dbSize

    async def _range(self, request: pb.RangeRequest, revision: int) -> pb.RangeResponse:
        if revision:
            if revision <= self._offset:
                raise Compacted(revision, self._compacted)
            request.revision = revision - self._offset
        try:
            return await self._call("KV/Range", request, pb.RangeResponse)
        except Compacted:
            self._compacted = max(self._compacted, revision + 1)
            raise Compacted(revision, self._compacted) from None
        except FutureRevision:
            raise FutureRevision(revision, self._hub.published) from None

    async def get(self, key: str, *, revision: int = 0) -> tuple[KeyValue | None, int]:
        found = await self._range(pb.RangeRequest(key=key.encode()), revision)
        return (self._key_value(found.kvs[0]) if found.kvs else None), found.header.revision + self._offset

    async def list(self, prefix: str, *, revision: int = 0, limit: int = 0, start: str = "") -> ListResult:
        first, end = max(prefix, start) or "\0", prefix_end(prefix)
        request = pb.RangeRequest(key=first.encode(), range_end=end.encode(), limit=limit)
        found = await self._range(request, revision)
        items = [self._key_value(kv) for kv in found.kvs]
        remaining = found.count - len(items)
        return ListResult(items, revision or found.header.revision + self._offset, remaining > 0, remaining)

    def _key_value(self, kv: pb.KeyValue) -> KeyValue:
        return key_value(kv, self._offset)

    # --- writes

    async def create(self, key: str, value: bytes, *, ttl: int = 0) -> KeyValue:
        answer, found = await self._put(key, value, 0, ttl)
        if found is not None:
            return found
        if answer.succeeded:
            revision = answer.header.revision + self._offset
            return KeyValue(key, value, revision, revision)
        raise KeyExists(self._key_value(answer.responses[0].response_range.kvs[0]))

    async def update(self, key: str, value: bytes, *, expected: int, ttl: int = 0) -> KeyValue:
        answer, found = await self._put(key, value, self._expected(expected), ttl)
        if found is not None:
            return found
        if answer.succeeded:
            written = self._key_value(answer.responses[1].response_range.kvs[0])
            return KeyValue(key, value, written.create_revision, written.mod_revision)
        raise self._conflict(key, expected, answer)

    def _expected(self, revision: int) -> int:
        """What an existing key is compared with; etcd takes 0 for "must not exist"."""
        return revision - self._offset if revision > self._offset else -1

    def _conflict(self, key: str, expected: int, answer: pb.TxnResponse) -> RevisionConflict:
        kvs = answer.responses[0].response_range.kvs
        return RevisionConflict(key, expected, self._key_value(kvs[0]) if kvs else None)

    async def _put(self, key: str, value: bytes, expected: int, ttl: int) -> Put:
        async with self._write():
            lease = await self._leases.lease(ttl)
            try:
                return await self._put_leased(key.encode(), value, expected, lease)
            except StoreUnavailable as e:
                if not str(e).endswith(_NO_LEASE):
                    raise
                self._leases.forget(lease)
            return await self._put_leased(key.encode(), value, expected, await self._leases.lease(ttl))

    async def _put_leased(self, key: bytes, value: bytes, expected: int, lease: int) -> Put:
        success = [pb.RequestOp(request_put=pb.PutRequest(key=key, value=value, lease=lease))]
        if expected:  # in the same transaction, for the create_revision
            success.append(pb.RequestOp(request_range=pb.RangeRequest(key=key, keys_only=True)))
        done = await write(self._endpoints, _transaction(key, expected, success), value)
        return done.answer, None if done.found is None else self._key_value(done.found)

    async def delete(self, key: str, *, expected: int) -> KeyValue:
        encoded = key.encode()
        delete = pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=encoded, prev_kv=True))
        async with self._write():
            answer = (await write(self._endpoints, _transaction(encoded, self._expected(expected), [delete]))).answer
        if not answer.succeeded:
            raise self._conflict(key, expected, answer)
        prev = self._key_value(answer.responses[0].response_delete_range.prev_kvs[0])
        return KeyValue(key, prev.value, prev.create_revision, answer.header.revision + self._offset)

    async def _grant(self, seconds: int) -> int:
        request = pb.LeaseGrantRequest(TTL=seconds)
        answer = await self._endpoints.call(
            "/etcdserverpb.Lease/LeaseGrant", request, pb.LeaseGrantResponse, repeatable=True
        )
        return answer.ID

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[None]:
        """A write that `close` waits for."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        self._open_writes += 1
        self._idle.clear()
        try:
            async with self._writing:
                yield
            self._write_failed = False
        except StoreUnavailable:
            self._write_failed = True
            raise
        finally:
            self._open_writes -= 1
            if not self._open_writes:
                self._idle.set()

    # --- watch, compaction, end

    async def _read_after(self, prefix: str, revision: int, upto: int, limit: int) -> Events:
        if revision < self._compacted:
            raise Compacted(revision + 1, self._compacted + 1)
        return await self._feed.read_after(prefix, revision, upto, limit)

    def watch(self, prefix: str, *, start: int) -> AbstractAsyncContextManager[Watch]:
        return self._hub.watch(prefix, start)

    async def compact(self, revision: int) -> None:
        newest = await self._newest()
        if revision > newest:
            raise FutureRevision(revision, newest)
        await self._hub.come_to(revision)  # what is compacted can be told no more
        if revision <= self._offset:
            return
        request = pb.CompactionRequest(revision=revision - self._offset, physical=True)
        with contextlib.suppress(Compacted):  # another server did it
            await self._call("KV/Compact", request, pb.CompactionResponse, timeout=_COMPACTION_TIMEOUT)
        self._compacted = max(self._compacted, revision)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._hub.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await self._idle.wait()
        await self._tasks.close()
        await self._endpoints.close()


def _transaction(key: bytes, expected: int, success: Sequence[pb.RequestOp]) -> pb.TxnRequest:
    """What is done if the key is at the expected revision; else the key is read."""
    unchanged = pb.Compare(result=pb.Compare.EQUAL, target=pb.Compare.MOD, key=key, mod_revision=expected)
    present = pb.RequestOp(request_range=pb.RangeRequest(key=key))
    return pb.TxnRequest(compare=[unchanged], success=success, failure=[present])
