"""Follows the store's changes of one resource and answers get, list and watch from memory, as fresh as asked."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from pynetes.apimachinery import errors
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apiserver.cacher import continuation
from pynetes.apiserver.cacher.entry import Decode, Entry, Predicate, SelectableFields, metadata_fields
from pynetes.apiserver.cacher.events import Change, Frames, bookmark
from pynetes.apiserver.cacher.listing import PAGE, Listing, Wanted, page, stored_page
from pynetes.apiserver.cacher.measures import Measures
from pynetes.apiserver.cacher.routing import Routes, select
from pynetes.apiserver.cacher.state import State
from pynetes.apiserver.cacher.watcher import Watcher
from pynetes.apiserver.cacher.window import Window, WindowLimits
from pynetes.component import clock
from pynetes.storage import Batch, Event, FutureRevision, KeyValue, Store, StoreError
from pynetes.storage import Watch as StoreWatch

log = logging.getLogger(__name__)

_READY_TIMEOUT = 3.0
#: A read waits three seconds for a revision to come: counted in rounds, as a machine that stands still for that long
#: has not given the store the time to answer.
_PROGRESS_PERIOD, _PROGRESS_ROUNDS = 0.1, 30
_RESTART_DELAY = 1.0
_BOOKMARK_PERIOD = 60.0
_BOOKMARK_BEFORE_TIMEOUT = 2.0


class Cacher:
    """The watch cache of the resource whose keys begin with `prefix` (`/registry/core/pods/`, with the last slash).

    `run` must be running, started by the owner's `Tasks`. Prefixes of list and watch are full store keys: the
    cacher's own, one with a namespace (`…/pods/default/`), or one object's key (without a slash at the end).
    Revisions asked for: None is the most recent (consistent) state, 0 whatever is here, N at least N.
    """

    def __init__(
        self,
        store: Store,
        prefix: str,
        *,
        gvk: GroupVersionKind,
        fields_of: SelectableFields = metadata_fields,
        indexed_field: str = "",
        limits: WindowLimits | None = None,
        decode: Decode | None = None,
    ) -> None:
        """`gvk` is that of bookmarks; `fields_of` gives what field selectors see; `indexed_field`, see `watch`.

        `decode` turns what the store holds into what is served, where that is not the same (custom resources).
        """
        self.prefix = prefix
        self._store = store
        self._gvk = gvk
        self._fields_of = fields_of
        self._limits = limits or WindowLimits()
        self._decode = decode
        self.failure: errors.StatusError | None = None
        """Why the state cannot be loaded, if what the store holds cannot be decoded."""
        self._measures = Measures(prefix)
        self._routes = Routes(prefix, indexed_field)
        self._state = State()
        self._window = Window(0, self._limits)
        self._seen = 0
        self._changed = 0
        self._watch: StoreWatch | None = None
        self._foretold: dict[bytes, dict[str, Any]] = {}
        self._decoding = False
        self._ready = asyncio.Event()
        self._settled = asyncio.Event()
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._bookmark_timer: asyncio.TimerHandle | None = None

    # --- following the store

    async def run(self) -> None:
        """Follows the store until cancelled; starts anew, ending all watches, when it lost its place."""
        while True:
            try:
                await self._follow()
            except StoreError as e:
                log.warning("watch cache of %s starts anew: %s", self.prefix, e)
            except errors.StatusError as e:
                self.failure = e
                self._settled.set()
                log.warning("watch cache of %s cannot decode: %s", self.prefix, e)
            finally:
                self._stop()
            await clock.sleep(_RESTART_DELAY)

    async def _follow(self) -> None:
        entries, revision = await self._load()
        async with self._store.watch(self.prefix, start=revision + 1) as watch:
            self._state = State(entries)
            self._window = Window(revision, self._limits)
            self._seen = self._changed = revision
            self._watch = watch
            self.failure = None
            self._ready.set()
            self._settled.set()
            self._measures.initializations.inc()
            self._measures.objects.set(len(entries))
            async for batch in watch:
                self._apply(batch if self._decode is None else await self._decoded(batch, self._decode))
                self._decoding = False

    async def _load(self) -> tuple[list[Entry], int]:
        entries: list[Entry] = []
        start, revision = "", 0
        while True:
            part = await self._store.list(self.prefix, revision=revision, limit=PAGE, start=start)
            items = part.items if self._decode is None else await self._decode(part.items)
            entries += [self.entry(kv) for kv in items]
            revision = part.revision
            if not part.more:
                return entries, revision
            start = part.items[-1].key + "\0"

    async def _decoded(self, batch: Batch, decode: Decode) -> Batch:
        self._decoding = True
        values = await decode([event.kv for event in batch.events])
        events = [Event(event.type, kv, None) for event, kv in zip(batch.events, values, strict=True)]
        return Batch(events, batch.revision)

    def _stop(self) -> None:
        self._ready.clear()
        if self.failure is None:
            self._settled.clear()
        self._watch = None
        self._decoding = False
        if self._bookmark_timer is not None:
            self._bookmark_timer.cancel()
            self._bookmark_timer = None
        for watcher in list(self._routes):
            watcher.end()

    def _apply(self, batch: Batch) -> None:
        changes: list[Change] = []
        for event in batch.events:
            entry = self.entry(event.kv)
            deleted = event.type == "DELETE"
            prev = self._state.remove(entry.key) if deleted else self._state.put(entry)
            if prev is not None:
                prev.forget()
            changes.append(Change(entry, prev, deleted))
        self._seen = max(self._seen, batch.revision)
        if changes:
            self._changed = changes[-1].entry.mod_revision
            self._window.add(changes, clock.monotonic())
            self._measures.received.inc(len(changes))
            self._measures.objects.set(len(self._state))
            self._measures.dispatched.inc(self._routes.dispatch(changes))
        if self._waiting:
            self._wake_waiting()

    # --- freshness

    def entry(self, kv: KeyValue) -> Entry:
        """The entry of what the store returned, decoded; also for the answer to a write."""
        return Entry.from_stored(kv, self._fields_of, self._foretold.get(kv.value))

    @contextlib.contextmanager
    def foretold(self, data: bytes, obj: dict[str, Any] | None) -> Iterator[None]:
        """While `data` is being written: when it comes, it need not be parsed to know that it says `obj`."""
        if obj is not None:
            self._foretold[data] = obj
        try:
            yield
        finally:
            self._foretold.pop(data, None)

    @property
    def is_ready(self) -> bool:
        return self._ready.is_set()

    async def ready(self) -> None:
        """Waits until the state is loaded. StatusError 429 when that takes long."""
        if self._ready.is_set():
            return
        if self.failure is not None:
            raise self.failure
        try:
            async with asyncio.timeout(_READY_TIMEOUT):
                await self._ready.wait()
        except TimeoutError:
            raise errors.too_many_requests("storage is (re)initializing", 1) from None

    async def settled(self) -> None:
        """Waits until the state is loaded or cannot be (`failure`), however long that takes."""
        await self._settled.wait()

    @property
    def revision(self) -> int:
        """Every change up to this revision is in the cache."""
        # The watch counts a batch that is still being decoded as delivered.
        if self._watch is not None and not self._decoding and self._watch.progress > self._seen:
            self._seen = self._watch.progress
        return self._seen

    async def fresh(self, revision: int | None = None) -> None:
        """Waits until the cache has everything up to `revision`; None: up to now, for a consistent read.

        With a store in this process it is there already. StatusError 504 for a revision that is not reached in time.
        """
        missing = await self._missing(revision)
        if missing:
            raise _too_large(missing, self.revision)

    async def serves(self, revision: int | None) -> bool:
        """`fresh`, but False where a consistent read has to ask the store, because the cache is behind for long."""
        missing = await self._missing(revision)
        if missing and revision is not None:
            raise _too_large(missing, self.revision)
        return not missing

    async def _missing(self, revision: int | None) -> int:
        """0, or the revision that was not reached in time."""
        if not self._ready.is_set():
            await self.ready()
        if revision is None:
            revision = await self._store.revision()
        return 0 if self.revision >= revision or await self._comes(revision) else revision

    async def _comes(self, revision: int) -> bool:
        for _ in range(_PROGRESS_ROUNDS):
            if self.revision >= revision:
                return True
            # A quiet resource hears nothing of other keys' revisions unless it asks.
            if self._watch is not None:
                self._watch.request_progress()
            await self._wait_for_batch(revision)
        return self.revision >= revision

    async def _wait_for_batch(self, revision: int) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((revision, future))
        await asyncio.wait((future,), timeout=_PROGRESS_PERIOD)
        future.cancel()

    def _wake_waiting(self) -> None:
        seen = self.revision
        still: list[tuple[int, asyncio.Future[None]]] = []
        for revision, future in self._waiting:
            if future.done():
                continue
            if revision <= seen:
                future.set_result(None)
            else:
                still.append((revision, future))
        self._waiting = still

    # --- get and list

    def get(self, key: str) -> Entry | None:
        """The object at a full key, from memory as it is; for a consistent read `await fresh()` first."""
        return self._state.get(key)

    @property
    def size(self) -> int:
        """How many objects there are."""
        return len(self._state)

    def entries(self, prefix: str = "") -> list[Entry]:
        """All entries under a prefix (the whole resource by default), from memory as it is."""
        return self._state.range(prefix or self.prefix)

    async def list(
        self,
        prefix: str = "",
        *,
        predicate: Predicate | None = None,
        limit: int = 0,
        continue_: str = "",
        revision: int | None = None,
        exact: bool = False,
    ) -> Listing:
        """A list request's answer, with upstream's meaning of its parameters.

        `exact` asks for the state at `revision` itself. With revision 0 the limit is ignored. StatusError 400 (bad
        token), 410 (compacted), 504 (revision not reached).
        """
        prefix, start = prefix or self.prefix, ""
        at = revision if revision and exact else 0
        if continue_:
            start, at = continuation.decode(continue_, prefix)
        wanted = Wanted(prefix, predicate, limit if revision != 0 else 0, start)
        if at > 0:
            return await self._list_at(at, wanted)
        if not await self.serves(revision):
            return await stored_page(self._store, wanted, 0, self._fields_of, self._decode)
        return page(self._state.range(prefix, start), wanted, self.revision)

    async def _list_at(self, revision: int, wanted: Wanted) -> Listing:
        """The state at `revision`: ours, if nothing has changed since."""
        behind = await self._missing(revision)
        if not behind and self._changed <= revision:
            return page(self._state.range(wanted.prefix, wanted.start), wanted, revision)
        try:
            return await stored_page(self._store, wanted, revision, self._fields_of, self._decode)
        except FutureRevision as e:
            raise _too_large(revision, e.current) from None

    # --- watch

    async def watch(
        self,
        prefix: str = "",
        *,
        predicate: Predicate | None = None,
        revision: int | None = None,
        send_initial_events: bool | None = None,
        bookmarks: bool = False,
        timeout: float | None = None,
        field_value: str | None = None,
    ) -> Watcher:
        """Starts a watch, with upstream's meaning of the parameters.

        Without a revision (None) or with 0, the state comes first as ADDED events; after revision N, the changes that
        followed it. `send_initial_events` True: the state (at least N) first, ended by the annotated bookmark; False:
        no state. `timeout` ends it after so many seconds, a bookmark shortly before. `field_value` tells that the
        predicate wants this value of the cacher's `indexed_field`: such watchers cost nothing for others' changes.

        StatusError 410 when N is too old: upstream sends that as an ERROR event of the stream.
        """
        prefix = prefix or self.prefix
        if revision is None or send_initial_events:
            await self.fresh(revision)
        else:
            await self.ready()
        # No await from here on: state, window and routes must be of one moment.
        watcher = Watcher(predicate, bookmarks=bookmarks, after=revision or 0)
        if send_initial_events or (send_initial_events is None and not revision):
            end = bookmark(self._gvk, self.revision, initial_events_end=True)
            watcher.begin(self._state.range(prefix), end if send_initial_events and bookmarks else None)
        elif revision:
            self._replay(watcher, prefix, revision)
        self._routes.add(watcher, prefix, field_value)
        watcher.on_end(lambda: self._measures.terminated.inc(watcher.too_slow))
        if timeout is not None:
            self._end_after(watcher, timeout)
        if bookmarks and self._bookmark_timer is None:
            self._schedule_bookmarks()
        return watcher

    def _replay(self, watcher: Watcher, prefix: str, revision: int) -> None:
        changes = self._window.since(revision)
        if prefix != self.prefix:
            whole = prefix.endswith("/")
            changes = [c for c in changes if (c.entry.key.startswith(prefix) if whole else c.entry.key == prefix)]
        frames = select(changes, watcher.predicate)
        if frames is not None:
            watcher.offer(frames)

    def _end_after(self, watcher: Watcher, timeout: float) -> None:
        loop = asyncio.get_running_loop()
        timers = [loop.call_later(timeout, watcher.end)]
        if watcher.bookmarks and timeout > _BOOKMARK_BEFORE_TIMEOUT:
            timers.append(loop.call_later(timeout - _BOOKMARK_BEFORE_TIMEOUT, self._bookmark, watcher))
        for timer in timers:
            watcher.on_end(timer.cancel)

    def _bookmark(self, watcher: Watcher) -> None:
        watcher.offer(Frames([bookmark(self._gvk, self.revision)]))

    def _schedule_bookmarks(self) -> None:
        self._bookmark_timer = asyncio.get_running_loop().call_later(_BOOKMARK_PERIOD, self._send_bookmarks)

    def _send_bookmarks(self) -> None:
        """One bookmark for all; the timer goes on while someone wants them."""
        self._bookmark_timer = None
        wanting = [w for w in self._routes if w.bookmarks]
        if wanting:
            self._routes.tell(wanting, Frames([bookmark(self._gvk, self.revision)]))
            self._schedule_bookmarks()


def _too_large(revision: int, current: int) -> errors.StatusError:
    error = errors.timeout(f"Too large resource version: {revision}, current: {current}", 1)
    error.details["causes"] = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    return error
