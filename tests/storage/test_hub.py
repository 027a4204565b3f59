"""The hub's seams: history and live events meet without gap or duplicate, whatever happens during a read."""

import asyncio
from collections.abc import Callable

import pytest

from pynetes.storage import Compacted, Event, KeyValue, StoreUnavailable
from pynetes.storage.hub import Hub


class History:
    """A log whose reads run a step of the test first."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.hub = Hub(self.read, capacity=8)
        self.during: list[Callable[[], None]] = []
        self.reads = 0

    def commit(self, count: int = 1, key: str = "/a/") -> None:
        for _ in range(count):
            revision = self.hub.published + 1
            event = Event("PUT", KeyValue(f"{key}{revision}", b"", revision, revision), None)
            self.events.append(event)
            self.hub.publish([event], revision)

    async def read(self, prefix: str, after: int, upto: int, limit: int) -> list[Event]:
        self.reads += 1
        if self.during:
            self.during.pop(0)()
        await asyncio.sleep(0)
        found = [e for e in self.events if after < e.kv.mod_revision <= upto and e.kv.key.startswith(prefix)]
        return found[:limit]


@pytest.fixture
def history() -> History:
    return History()


async def take(history: History, start: int, count: int, prefix: str = "/a/") -> list[int]:
    revisions: list[int] = []
    async with asyncio.timeout(100), history.hub.watch(prefix, start) as watch:
        while len(revisions) < count:
            batch = await anext(watch)
            revisions += [event.kv.mod_revision for event in batch.events]
            assert not revisions or batch.revision >= revisions[-1]
    return revisions


async def test_commits_during_the_replay_follow_it(history: History) -> None:
    history.commit(5)
    history.during = [lambda: history.commit(3)]
    assert await take(history, 1, 8) == list(range(1, 9))
    assert history.reads == 1


async def test_a_queue_that_overflows_during_the_replay_is_read_again(history: History) -> None:
    history.commit(5)
    history.during = [lambda: history.commit(20), lambda: history.commit(20)]
    assert await take(history, 1, 45) == list(range(1, 46))


async def test_a_live_queue_that_overflows_goes_back_to_the_log(history: History) -> None:
    async with history.hub.watch("/a/", 1) as watch:
        assert history.reads == 0
        history.commit(20)
        assert watch.progress == 0
        first = await anext(watch)
        assert [e.kv.mod_revision for e in first.events] == list(range(1, 21))
        assert watch.progress == 20
        history.commit()
        assert [e.kv.mod_revision for e in (await anext(watch)).events] == [21]


async def test_a_long_history_comes_in_parts(history: History) -> None:
    history.commit(2500)
    assert await take(history, 1, 2500) == list(range(1, 2501))
    assert history.reads == 3


async def test_a_cancelled_replay_is_done_again(history: History) -> None:
    history.commit(1500)
    async with history.hub.watch("/a/", 1) as watch:
        first = await anext(watch)
        assert len(first.events) == 1000
        waiting = asyncio.ensure_future(anext(watch))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert watch.progress == 1000
        history.commit()
        rest = await anext(watch)
        assert [e.kv.mod_revision for e in rest.events] == list(range(1001, 1502))


async def test_a_replay_that_fails_tells_so_and_leaves_no_watch_behind(history: History) -> None:
    def fail() -> None:
        raise Compacted(1, 5)

    history.commit(5)
    history.during = [fail]
    with pytest.raises(Compacted):
        await take(history, 1, 1)
    assert not history.hub._by_directory


async def test_progress_follows_other_keys_without_a_batch(history: History) -> None:
    async with history.hub.watch("/a/", 1) as watch:
        history.commit(3, key="/b/")
        assert watch.progress == 3
        history.commit()
        assert watch.progress == 0
        await anext(watch)
        assert watch.progress == 4


# --- with other servers on the store: it may be ahead of the hub


def answer(given: int | Exception) -> "asyncio.Future[int]":
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    if isinstance(given, Exception):
        future.set_exception(given)
    else:
        future.set_result(given)
    return future


@pytest.fixture
def behind(history: History) -> History:
    """The store is at revision 4, and the first has been handed out."""

    history.commit(key="/b/")
    history.hub.newest = lambda: answer(4)
    return history


async def test_progress_is_told_when_the_hub_has_come_to_where_the_store_was(behind: History) -> None:
    async with behind.hub.watch("/a/", 1) as watch:
        watch.request_progress()
        waiting = asyncio.ensure_future(anext(watch))
        for _ in range(2):
            behind.commit(key="/b/")
            await asyncio.sleep(0)
        assert not waiting.done()
        behind.commit(key="/b/")
        batch = await waiting
        assert (batch.events, batch.revision) == ([], 4)


async def test_events_on_the_way_to_the_progress_are_told_at_once(behind: History) -> None:
    async with behind.hub.watch("/a/", 1) as watch:
        watch.request_progress()
        waiting = asyncio.ensure_future(anext(watch))
        await asyncio.sleep(0)
        behind.commit()
        assert len((await waiting).events) == 1
        behind.commit(2, key="/b/")
        assert (await anext(watch)).revision == 4


async def test_events_do_not_wait_for_a_store_that_is_slow_to_tell_its_revision(history: History) -> None:
    asked: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    history.hub.newest = lambda: asked
    async with history.hub.watch("/a/", 0) as watch:
        watch.request_progress()
        waiting = asyncio.ensure_future(anext(watch))
        await asyncio.sleep(0)
        history.commit()
        assert [event.kv.mod_revision for event in (await waiting).events] == [1]
        asked.set_result(1)
        assert (await anext(watch)).revision == 1


async def test_a_store_that_does_not_answer_leaves_the_watch_running(history: History) -> None:
    history.hub.newest = lambda: answer(StoreUnavailable("gone"))
    async with history.hub.watch("/a/", 0) as watch:
        watch.request_progress()
        waiting = asyncio.ensure_future(anext(watch))
        await asyncio.sleep(0)
        history.commit()
        assert len((await waiting).events) == 1


async def test_a_restart_ends_the_watches_and_goes_on_elsewhere(history: History) -> None:
    history.commit(5)
    async with history.hub.watch("/a/", 6) as watch:
        waiting = asyncio.ensure_future(anext(watch))
        await asyncio.sleep(0)
        history.hub.restart(StoreUnavailable("it was restored"), 2)
        with pytest.raises(StoreUnavailable, match="restored"):
            await waiting
    del history.events[2:]
    async with history.hub.watch("/a/", 3) as watch:
        history.commit()
        assert [event.kv.mod_revision for event in (await anext(watch)).events] == [3]


async def test_a_watch_from_beyond_the_hub_waits_for_it(behind: History) -> None:
    entering = asyncio.ensure_future(take(behind, 3, 2))
    await asyncio.sleep(0)
    behind.commit()
    await asyncio.sleep(0)
    behind.commit(2)
    assert await entering == [3, 4]
