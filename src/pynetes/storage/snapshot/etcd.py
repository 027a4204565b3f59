"""etcd: read at one of its revisions, restored in transactions between two that mark it.

etcd's transactions are small, so a restore takes many. The first, which succeeds only on an empty etcd, marks it as
not whole (see `epoch`): no store opens there until the last says that it is. One that fails takes back all it wrote.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from pynetes.component import clock
from pynetes.storage.etcd import epoch
from pynetes.storage.etcd import rpc_pb2 as pb
from pynetes.storage.etcd.endpoints import Endpoints, TLSFiles
from pynetes.storage.etcd.epoch import Epoch
from pynetes.storage.etcd.leases import Leases
from pynetes.storage.interface import Compacted, StoreError, StoreUnavailable
from pynetes.storage.snapshot.target import StoreNotEmpty
from pynetes.storage.snapshot.view import AFTER_LAST_KEY, Record

log = logging.getLogger(__name__)

_OPERATIONS = 120
"""In one transaction; etcd's default is to refuse more than 128."""
_BYTES = 1 << 20
"""Of values in one transaction; etcd's default is to refuse more than 1.5 MiB."""
_TIMEOUT = 30.0
_LONG_TIMEOUT = 300.0
_FIRST = _TO_THE_LAST = b"\0"
_QUIET_SECONDS = 3.0
"""An API server with its controllers renews leases every two seconds."""


class EtcdView:
    engine = "etcd"

    def __init__(self, endpoints: Endpoints, offset: int, revision: int) -> None:
        self.revision = revision + offset
        self._offset = offset
        self._endpoints = endpoints
        self._expires: dict[int, int] = {0: 0}  # by lease

    async def page(self, start: str, limit: int) -> list[Record]:
        answer = await self._range(start, limit, keys_only=False)
        leases = {kv.lease for kv in answer.kvs} - self._expires.keys()
        await asyncio.gather(*(self._look_up(lease) for lease in leases))
        return [self._record(kv) for kv in answer.kvs]

    async def keys(self, start: str, limit: int) -> list[str]:
        return [kv.key.decode() for kv in (await self._range(start, limit, keys_only=True)).kvs]

    async def _range(self, start: str, limit: int, *, keys_only: bool) -> pb.RangeResponse:
        request = pb.RangeRequest(
            key=start.encode(), range_end=AFTER_LAST_KEY.encode(), revision=self.revision - self._offset, limit=limit,
            keys_only=keys_only,
        )  # fmt: skip
        try:
            return await self._endpoints.call(
                "/etcdserverpb.KV/Range", request, pb.RangeResponse, repeatable=True, timeout=_TIMEOUT
            )
        except Compacted:
            raise StoreUnavailable(f"etcd compacted revision {self.revision} while it was read: try again") from None

    def _record(self, kv: pb.KeyValue) -> Record:
        created, modified = kv.create_revision + self._offset, kv.mod_revision + self._offset
        return Record(kv.key.decode(), kv.value, created, modified, self._expires[kv.lease])

    async def _look_up(self, lease: int) -> None:
        answer = await self._endpoints.call(
            "/etcdserverpb.Lease/LeaseTimeToLive",
            pb.LeaseTimeToLiveRequest(ID=lease),
            pb.LeaseTimeToLiveResponse,
            repeatable=True,
        )
        self._expires[lease] = int(clock.time_seconds()) + max(answer.TTL, 0)


@asynccontextmanager
async def view(addresses: Sequence[str], tls: TLSFiles | None) -> AsyncIterator[EtcdView]:
    endpoints = Endpoints(addresses, tls)
    try:
        found, revision = await epoch.read(endpoints)
        if found.restoring:
            raise StoreUnavailable("a restore into this etcd has not come to its end")
        yield EtcdView(endpoints, found.offset, revision)
    finally:
        await endpoints.close()


class EtcdTarget:
    def __init__(self, endpoints: Endpoints) -> None:
        self.revision = 0
        self._endpoints = endpoints
        self._leases = Leases(self._grant)
        self._replaces = False
        self._base = 0
        self._own = 0  # etcd's revision after the newest write
        self._began = self._committed = False

    async def open(self, *, overwrite: bool) -> None:
        found, revision = await epoch.read(self._endpoints)
        self._replaces = await self._any_key()
        if self._replaces:
            # What a restore left that was killed is nobody's.
            if not overwrite and not found.restoring:
                raise StoreNotEmpty("etcd")
            await self._see_it_quiet(revision)
        self.revision = revision + found.offset

    async def _any_key(self) -> bool:
        request = pb.RangeRequest(key=_FIRST, range_end=_TO_THE_LAST, limit=1, keys_only=True)
        return bool((await self._range(request)).kvs)

    async def _see_it_quiet(self, revision: int) -> None:
        """etcd cannot tell who uses it, but whoever writes shows in its revision."""
        await clock.sleep(_QUIET_SECONDS)
        if (await epoch.read(self._endpoints))[1] != revision:
            raise StoreUnavailable("etcd is in use: somebody writes to it. Stop the API servers first")

    async def begin(self, base: int) -> None:
        self._base = base
        mark = pb.RequestOp(request_put=pb.PutRequest(key=epoch.KEY, value=epoch.encode(Epoch(base, True))))
        same = pb.Compare(
            result=pb.Compare.EQUAL, target=pb.Compare.VERSION, key=_FIRST, range_end=_TO_THE_LAST, version=0
        )
        answer = await self._txn([mark], [] if self._replaces else [same])
        if not answer.succeeded:
            raise StoreNotEmpty("etcd")
        self._began = True
        if self._replaces:
            await self._clear()

    async def _clear(self) -> None:
        await self._delete(_FIRST, epoch.KEY)
        await self._delete(epoch.KEY + b"\0", _TO_THE_LAST)

    async def _delete(self, first: bytes, end: bytes) -> None:
        answer = await self._endpoints.call(
            "/etcdserverpb.KV/DeleteRange",
            pb.DeleteRangeRequest(key=first, range_end=end),
            pb.DeleteRangeResponse,
            repeatable=True,
            timeout=_LONG_TIMEOUT,
        )
        self._own = answer.header.revision

    async def put(self, records: Sequence[Record]) -> None:
        puts: list[pb.RequestOp] = []
        size = 0
        for record in records:
            if puts and (len(puts) == _OPERATIONS or size + len(record.value) > _BYTES):
                await self._txn(puts, [])
                puts, size = [], 0
            lease = await self._leases.lease(_time_to_live(record.expires))
            put = pb.PutRequest(key=record.key.encode(), value=record.value, lease=lease)
            puts.append(pb.RequestOp(request_put=put))
            size += len(record.value)
        await self._txn(puts, [])

    async def _grant(self, seconds: int) -> int:
        answer = await self._endpoints.call(
            "/etcdserverpb.Lease/LeaseGrant", pb.LeaseGrantRequest(TTL=seconds), pb.LeaseGrantResponse, repeatable=True
        )
        return answer.ID

    async def _txn(self, operations: Sequence[pb.RequestOp], compare: Sequence[pb.Compare]) -> pb.TxnResponse:
        # Doing them twice makes no difference, but for the first: it finds its own mark then, and refuses.
        answer = await self._endpoints.call(
            "/etcdserverpb.KV/Txn",
            pb.TxnRequest(compare=compare, success=operations),
            pb.TxnResponse,
            repeatable=not compare,
            timeout=_TIMEOUT,
        )
        self._own = answer.header.revision
        return answer

    async def _range(self, request: pb.RangeRequest) -> pb.RangeResponse:
        return await self._endpoints.call("/etcdserverpb.KV/Range", request, pb.RangeResponse, repeatable=True)

    async def commit(self) -> int:
        with contextlib.suppress(Compacted):
            await self._endpoints.call(
                "/etcdserverpb.KV/Compact",
                pb.CompactionRequest(revision=self._own, physical=True),
                pb.CompactionResponse,
                repeatable=True,
                timeout=_LONG_TIMEOUT,
            )
        done = pb.PutRequest(key=epoch.KEY, value=epoch.encode(Epoch(self._base)))
        await self._txn([pb.RequestOp(request_put=done)], [])
        self._committed = True
        return self._own + self._base

    async def discard(self) -> None:
        """Takes back what was written. What was there before is gone already, so then the mark stays."""
        if not self._began or self._committed:
            return
        try:
            await self._clear()
            if not self._replaces:
                await self._delete(epoch.KEY, epoch.KEY + b"\0")
        except StoreError as error:
            log.error("etcd keeps a part of the snapshot, marked as not whole: %s", error)


def _time_to_live(expires: int) -> int:
    """Seconds from now, whole minutes of them, so that few leases do; 0 for ever."""
    if not expires:
        return 0
    seconds = max(1, expires - int(clock.time_seconds()))
    return seconds if seconds <= 60 else -(-seconds // 60) * 60


@asynccontextmanager
async def target(addresses: Sequence[str], tls: TLSFiles | None, *, overwrite: bool) -> AsyncIterator[EtcdTarget]:
    endpoints = Endpoints(addresses, tls)
    try:
        opened = EtcdTarget(endpoints)
        await opened.open(overwrite=overwrite)
        try:
            yield opened
        finally:
            await opened.discard()
    finally:
        await endpoints.close()
