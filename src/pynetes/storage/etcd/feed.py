"""The changes of an etcd: one stream of all keys that feeds the hub, and history read again for single watches.

One watch for everything, not one for each of the API server's resources: it is the same amount of events, and what it
has told up to a revision is known for every key without asking. Progress needs no notifications then, which old
versions (before 3.4.25) can send ahead of the events they vouch for: every revision has an event of its own.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

import grpc
import grpc.aio

from pynetes.component import clock
from pynetes.storage.etcd import rpc_pb2 as pb
from pynetes.storage.etcd.endpoints import METADATA, Endpoints, store_error
from pynetes.storage.hub import Hub, Newest
from pynetes.storage.interface import Batch, Compacted, Event, KeyValue, StoreUnavailable
from pynetes.storage.mvcc import FIRST_REVISION

log = logging.getLogger(__name__)

_WATCH = "/etcdserverpb.Watch/Watch"
_FIRST_KEY = b"\0"
_TO_THE_LAST = b"\0"
"""As range_end: all keys from the first on."""
_RETRY = 0.2
_READ_TIMEOUT = 60.0
_END: Final[Any] = vars(grpc.aio)["EOF"]  # which its type stubs forgot


class _Left(StoreUnavailable):
    """Another member is in use now."""


class Feed:
    """`run` publishes to the hub until cancelled, reconnecting without gap or duplicate.

    `offset` is added to etcd's revisions, see `epoch`.
    """

    def __init__(self, endpoints: Endpoints, hub: Hub, newest: Newest) -> None:
        """`newest` also looks whether the store went back."""
        self._endpoints = endpoints
        self._hub = hub
        self._newest = newest
        self.offset = 0
        self._calls: set[Any] = set()
        self._left: set[Any] = set()
        self._opening: dict[Any, asyncio.Timeout] = {}
        endpoints.on_change = self.reconnect

    def reconnect(self) -> None:
        """For callers who know sooner than the stream that its member failed, or that the store went back."""
        for call in self._calls - self._left:
            self._left.add(call)
            if call in self._opening:
                # gRPC forgets who waits to write on a call that is cancelled before it has begun: for ever.
                self._opening[call].reschedule(asyncio.get_running_loop().time())
            else:
                call.cancel()

    async def run(self) -> None:
        broken = False
        while True:
            try:
                if broken:
                    await self._newest()
                async with aclosing(self._changes(self._hub.published)) as changes:
                    async for batch in changes:
                        if broken:
                            log.info(
                                "etcd's changes are told again, from revision %d on", batch.events[0].kv.mod_revision
                            )
                            broken = False
                        self._hub.publish(batch.events, batch.revision)
            except Compacted as e:
                log.error("etcd compacted what was not told yet, all watches start anew: %s", e)
                self._hub.restart(e, e.oldest - 1)
                continue
            except StoreUnavailable as e:
                if not broken:
                    log.warning("etcd's changes are not told for now: %s", e)
                broken = True
            await clock.sleep(_RETRY)

    async def read_after(self, prefix: str, revision: int, upto: int, limit: int) -> list[Event]:
        """`LogReader.after`; a revision is never cut in two, so there may be more events than the limit."""
        found: list[Event] = []
        if upto - self.offset <= FIRST_REVISION:  # the only one without an event
            return found
        told = revision
        try:
            async with asyncio.timeout(_READ_TIMEOUT):
                while told < upto and len(found) < limit:
                    with contextlib.suppress(_Left):
                        async with aclosing(self._changes(told)) as changes:
                            async for batch in changes:
                                found += [e for e in batch.events if _concerns(e, prefix, upto)]
                                told = batch.revision
                                if told >= upto or len(found) >= limit:
                                    break
        except TimeoutError:
            raise StoreUnavailable(f"etcd did not tell its changes from {told} to {upto} in time") from None
        return found

    async def _changes(self, after: int) -> AsyncGenerator[Batch, None]:
        """Batches of whole revisions later than `after`, for ever. Compacted when some of them are gone."""
        member, began = self._endpoints.member, clock.monotonic()
        call = member.stream(_WATCH, pb.WatchResponse)(metadata=METADATA)
        self._calls.add(call)
        try:
            # From `after` itself: etcd refuses a watch only if it starts before the compacted revision, at which
            # deletes are gone already.
            await self._write(call, _request(max(after - self.offset, 1)))
            pending: list[pb.Event] = []
            while (response := await call.read()) is not _END:
                if response.canceled:
                    raise self._refusal(response, after)
                pending += response.events
                if response.fragment:
                    continue
                events = [self._event(event) for event in pending if event.kv.mod_revision + self.offset > after]
                pending = []
                if events:
                    yield Batch(events, events[-1].kv.mod_revision)
            raise StoreUnavailable(f"etcd {member.address} ended the watch: {await call.details()}")
        except TimeoutError:
            raise _Left(f"the watch of etcd {member.address} was left") from None
        except asyncio.CancelledError:  # of the call or of this task
            task = asyncio.current_task()
            if call not in self._left or task is None or task.cancelling():
                raise
            raise _Left(f"the watch of etcd {member.address} was left") from None
        except grpc.aio.AioRpcError as e:
            self._endpoints.leave(member, began)
            raise store_error(e, member.address) from None
        except (grpc.aio.UsageError, grpc.aio.InternalError) as e:
            raise StoreUnavailable(f"etcd {member.address}: {e}") from None
        finally:
            self._calls.discard(call)
            self._left.discard(call)
            call.cancel()

    async def _write(self, call: Any, request: pb.WatchRequest) -> None:
        """TimeoutError when the call is left meanwhile."""
        try:
            async with asyncio.timeout(None) as self._opening[call]:
                await call.write(request)
        finally:
            del self._opening[call]
        if call in self._left:
            raise TimeoutError

    def _refusal(self, response: pb.WatchResponse, after: int) -> Compacted | StoreUnavailable:
        if response.compact_revision:
            return Compacted(after + 1, response.compact_revision + 1 + self.offset)
        return StoreUnavailable(f"etcd ended the watch: {response.cancel_reason}")

    def _event(self, event: pb.Event) -> Event:
        prev = key_value(event.prev_kv, self.offset) if event.HasField("prev_kv") else None
        if event.type != pb.Event.DELETE:
            return Event("PUT", key_value(event.kv, self.offset), prev)
        key, revision = event.kv.key.decode(), event.kv.mod_revision + self.offset
        value, created = (prev.value, prev.create_revision) if prev else (b"", 0)
        return Event("DELETE", KeyValue(key, value, created, revision), prev)


def _concerns(event: Event, prefix: str, upto: int) -> bool:
    return event.kv.mod_revision <= upto and event.kv.key.startswith(prefix)


def _request(start: int) -> pb.WatchRequest:
    return pb.WatchRequest(
        create_request=pb.WatchCreateRequest(
            key=_FIRST_KEY, range_end=_TO_THE_LAST, start_revision=start,
            prev_kv=True, progress_notify=True, fragment=True,
        )
    )  # fmt: skip


def key_value(kv: pb.KeyValue, offset: int) -> KeyValue:
    return KeyValue(kv.key.decode(), kv.value, kv.create_revision + offset, kv.mod_revision + offset)
