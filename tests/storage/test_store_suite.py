"""The contract of `storage.interface`, on every engine."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from pynetes.storage import (
    Batch,
    Compacted,
    Event,
    FutureRevision,
    KeyExists,
    KeyValue,
    RevisionConflict,
    Store,
    StoreUnavailable,
    Watch,
)
from pynetes.storage.memory import MemoryStore

PODS = "/registry/core/pods/"


def key(name: str) -> str:
    return f"{PODS}default/{name}"


async def fill(store: Store, names: list[str]) -> int:
    """Creates keys and returns the revision of the last."""
    made = await asyncio.gather(*(store.create(key(name), name.encode()) for name in names))
    return max(kv.mod_revision for kv in made)


async def collect(watch: Watch, count: int) -> list[Event]:
    """The next `count` events."""
    events: list[Event] = []
    async with asyncio.timeout(100):
        while len(events) < count:
            events += (await anext(watch)).events
    assert len(events) == count
    return events


def shape(events: list[Event]) -> list[tuple[str, str, bytes]]:
    return [(event.type, event.kv.key.removeprefix(PODS), event.kv.value) for event in events]


# --- get, create, update, delete


async def test_an_empty_store_has_a_revision_above_zero(store: Store) -> None:
    assert await store.revision() >= 1
    assert await store.get(key("a")) == (None, await store.revision())
    listed = await store.list(PODS)
    assert (listed.items, listed.more, listed.remaining) == ([], False, 0)
    assert listed.revision == await store.revision()


async def test_every_write_takes_the_next_revision(store: Store) -> None:
    before = await store.revision()
    made = await store.create(key("a"), b"1")
    assert (made.key, made.value) == (key("a"), b"1")
    assert made.create_revision == made.mod_revision == before + 1
    changed = await store.update(key("a"), b"2", expected=made.mod_revision)
    assert (changed.create_revision, changed.mod_revision, changed.value) == (before + 1, before + 2, b"2")
    gone = await store.delete(key("a"), expected=changed.mod_revision)
    assert (gone.create_revision, gone.mod_revision, gone.value) == (before + 1, before + 3, b"2")
    assert await store.revision() == before + 3
    again = await store.create(key("a"), b"3")
    assert again.create_revision == again.mod_revision == before + 4


async def test_a_create_refuses_an_existing_key_and_shows_it(store: Store) -> None:
    made = await store.create(key("a"), b"1")
    with pytest.raises(KeyExists) as caught:
        await store.create(key("a"), b"2")
    assert caught.value.current == made
    assert await store.revision() == made.mod_revision


@pytest.mark.parametrize("offset", [-1, 1])
async def test_a_write_on_another_version_is_refused_and_shows_the_present_one(store: Store, offset: int) -> None:
    made = await store.create(key("a"), b"1")
    expected = made.mod_revision + offset
    with pytest.raises(RevisionConflict) as caught:
        await store.update(key("a"), b"2", expected=expected)
    assert caught.value.current == made
    with pytest.raises(RevisionConflict) as caught:
        await store.delete(key("a"), expected=expected)
    assert caught.value.current == made
    assert await store.get(key("a")) == (made, made.mod_revision)


async def test_a_missing_key_can_be_neither_updated_nor_deleted(store: Store) -> None:
    for expected in (0, 1, 7):
        with pytest.raises(RevisionConflict) as caught:
            await store.update(key("a"), b"2", expected=expected)
        assert caught.value.current is None
        with pytest.raises(RevisionConflict):
            await store.delete(key("a"), expected=expected)


async def test_expecting_version_zero_never_updates_what_exists(store: Store) -> None:
    made = await store.create(key("a"), b"1")
    with pytest.raises(RevisionConflict) as caught:
        await store.update(key("a"), b"2", expected=0)
    assert caught.value.current == made


async def test_values_are_kept_byte_for_byte(store: Store) -> None:
    values = {"empty": b"", "zeros": b"\0" * 10, "all": bytes(range(256)), "large": b"x" * (1 << 21)}
    for name, value in values.items():
        await store.create(key(name), value)
    for name, value in values.items():
        found, _ = await store.get(key(name))
        assert found is not None
        assert found.value == value


async def test_an_earlier_version_can_be_read(store: Store) -> None:
    first = await store.create(key("a"), b"1")
    second = await store.update(key("a"), b"2", expected=first.mod_revision)
    gone = await store.delete(key("a"), expected=second.mod_revision)
    now = gone.mod_revision
    assert await store.get(key("a"), revision=first.mod_revision - 1 or 1) == (None, now)
    assert await store.get(key("a"), revision=first.mod_revision) == (first, now)
    assert await store.get(key("a"), revision=second.mod_revision) == (second, now)
    assert await store.get(key("a"), revision=gone.mod_revision) == (None, now)
    with pytest.raises(FutureRevision):
        await store.get(key("a"), revision=now + 1)
    with pytest.raises(FutureRevision):
        await store.list(PODS, revision=now + 1)


async def test_an_engine_with_files_tells_their_size(store: Store) -> None:
    await store.create(key("a"), b"x" * 5000)
    assert (await store.size() >= 5000) == (not isinstance(store, MemoryStore))


async def test_a_store_that_serves_is_well_and_one_that_is_closed_is_not(store: Store) -> None:
    await store.check()
    await store.create(key("a"), b"1")
    await store.check()
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.check()


# --- list


async def test_a_list_is_in_key_order_and_holds_only_its_prefix(store: Store) -> None:
    names = ["b", "a", "a-b", "ab", "z", "ä", "\U0001f600"]
    await fill(store, names)
    await store.create("/registry/core/podtemplates/default/a", b"")
    await store.create("/registry/core/pods", b"")
    await store.create("/registry/core/pods0", b"")
    listed = await store.list(PODS)
    assert [kv.key for kv in listed.items] == [key(name) for name in sorted(names)]
    assert [kv.value.decode() for kv in listed.items] == sorted(names)


async def test_a_list_goes_on_page_by_page_at_one_revision(store: Store) -> None:
    names = [f"p{i:02}" for i in range(10)]
    await fill(store, names)
    first = await store.list(PODS, limit=4)
    assert ([kv.value.decode() for kv in first.items], first.more, first.remaining) == (names[:4], True, 6)
    # What happens meanwhile does not show.
    await store.create(key("p045"), b"new")
    changed, _ = await store.get(key("p05"))
    assert changed is not None
    await store.update(key("p05"), b"changed", expected=changed.mod_revision)
    dropped, _ = await store.get(key("p06"))
    assert dropped is not None
    await store.delete(key("p06"), expected=dropped.mod_revision)
    start = first.items[-1].key + "\0"
    second = await store.list(PODS, limit=4, start=start, revision=first.revision)
    assert second.revision == first.revision
    assert ([kv.value.decode() for kv in second.items], second.more, second.remaining) == (names[4:8], True, 2)
    start = second.items[-1].key + "\0"
    third = await store.list(PODS, limit=4, start=start, revision=first.revision)
    assert ([kv.value.decode() for kv in third.items], third.more, third.remaining) == (names[8:], False, 0)
    now = await store.list(PODS)
    assert [kv.value.decode() for kv in now.items] == [
        *names[:5], "new", "changed", *names[7:],
    ]  # fmt: skip


async def test_a_page_that_ends_the_list_promises_no_more(store: Store) -> None:
    await fill(store, ["a", "b"])
    listed = await store.list(PODS, limit=2)
    assert (len(listed.items), listed.more, listed.remaining) == (2, False, 0)
    assert await store.list(PODS, start=key("c")) == await store.list(PODS, start=key("c"), limit=5)


async def test_a_start_outside_of_the_prefix_does_not_leave_it(store: Store) -> None:
    await fill(store, ["a"])
    await store.create("/registry/core/nodes/n", b"")
    await store.create("/registry/core/services/s", b"")
    assert [kv.key for kv in (await store.list(PODS, start="/")).items] == [key("a")]
    assert (await store.list(PODS, start="/registry/core/q")).items == []


async def test_ten_thousand_keys(store: Store) -> None:
    names = [f"p{i:05}" for i in range(10_000)]
    await fill(store, names)
    listed = await store.list(PODS)
    assert [kv.value.decode() for kv in listed.items] == names
    seen: list[str] = []
    start = ""
    while True:
        page = await store.list(PODS, revision=listed.revision, limit=500, start=start)
        seen += [kv.value.decode() for kv in page.items]
        assert page.remaining == len(names) - len(seen)
        if not page.more:
            break
        start = page.items[-1].key + "\0"
    assert seen == names


# --- watch


async def test_a_watch_tells_what_happens_after_it_began(store: Store) -> None:
    async with store.watch(PODS, start=await store.revision() + 1) as watch:
        made = await store.create(key("a"), b"1")
        changed = await store.update(key("a"), b"2", expected=made.mod_revision)
        await store.create("/registry/core/nodes/n", b"other")
        gone = await store.delete(key("a"), expected=changed.mod_revision)
        events = await collect(watch, 3)
    assert events == [Event("PUT", made, None), Event("PUT", changed, made), Event("DELETE", gone, changed)]


async def test_a_watch_replays_history_exactly_as_it_was(store: Store) -> None:
    begin = await store.revision() + 1
    async with store.watch(PODS, start=begin) as watch:
        made = await store.create(key("a"), b"1")
        changed = await store.update(key("a"), b"2", expected=made.mod_revision)
        await store.delete(key("a"), expected=changed.mod_revision)
        await store.create(key("a"), b"3")
        live = await collect(watch, 4)
    for skip in range(4):
        async with store.watch(PODS, start=begin + skip) as watch:
            assert await collect(watch, len(live) - skip) == live[skip:]
            await store.create(key(f"after-{skip}"), b"")
            live += await collect(watch, 1)
    assert [event.kv.value for event in live] == [b"1", b"2", b"2", b"3", b"", b"", b"", b""]


async def test_a_watch_may_start_in_the_future(store: Store) -> None:
    start = await store.revision() + 3
    async with store.watch(PODS, start=start) as watch:
        await fill(store, ["a", "b", "c", "d"])
        events = await collect(watch, 2)
    assert [event.kv.mod_revision for event in events] == [start, start + 1]


@pytest.mark.parametrize("prefix", ["", "/", "/registry/", PODS, PODS + "default/", PODS + "default/a", PODS + "def"])
async def test_a_watch_matches_its_prefix_alone(store: Store, prefix: str) -> None:
    keys = [key("a"), key("ab"), PODS + "other/a", "/registry/core/nodes/n", "/registry/core/podtemplates/default/a"]
    async with store.watch(prefix, start=await store.revision() + 1) as watch:
        for each in keys:
            await store.create(each, b"")
        wanted = [each for each in keys if each.startswith(prefix)]
        assert [event.kv.key for event in await collect(watch, len(wanted))] == wanted
    async with store.watch(prefix, start=2) as watch:
        assert [event.kv.key for event in await collect(watch, len(wanted))] == wanted


async def test_no_gap_and_no_duplicate_under_concurrent_writers(store: Store) -> None:
    begin = await store.revision() + 1
    writers, writes = 16, 40

    async def write(writer: int) -> None:
        for number in range(writes // 4):
            name = key(f"{writer}-{number}")
            made = await store.create(name, b"1")
            changed = await store.update(name, b"2", expected=made.mod_revision)
            await store.delete(name, expected=changed.mod_revision)
            await store.create(name, b"3")

    async def follow(start: int) -> list[int]:
        async with store.watch(PODS, start=start) as watch:
            return [event.kv.mod_revision for event in await collect(watch, begin + writers * writes - start)]

    async with asyncio.TaskGroup() as group:
        followers = [group.create_task(follow(begin))]
        for writer in range(writers):
            group.create_task(write(writer))
            await asyncio.sleep(0)
        # Others join in the midst of it, in history and at the present.
        for _ in range(4):
            await asyncio.sleep(0)
            followers += [group.create_task(follow(begin)), group.create_task(follow(await store.revision() + 1))]
    for follower in followers:
        revisions = follower.result()
        assert revisions == list(range(revisions[0], begin + writers * writes))


async def test_a_consumer_far_behind_misses_nothing(store: Store) -> None:
    begin = await store.revision() + 1
    async with store.watch(PODS, start=begin) as watch:
        # More than any queue holds, before the first is taken.
        last = await fill(store, [f"p{i:05}" for i in range(6000)])
        events = await collect(watch, 6000)
        assert [event.kv.mod_revision for event in events] == list(range(begin, last + 1))
        await store.create(key("z"), b"")
        assert len(await collect(watch, 1)) == 1


async def test_a_quiet_watch_tells_its_progress_when_asked(store: Store) -> None:
    async with store.watch(PODS, start=await store.revision() + 1) as watch:
        other = await store.create("/registry/core/nodes/n", b"")
        watch.request_progress()
        async with asyncio.timeout(100):
            batch: Batch = await anext(watch)
        assert batch.events == []
        assert batch.revision >= other.mod_revision
        assert watch.progress >= other.mod_revision


async def test_progress_never_runs_ahead_of_events_that_wait(store: Store) -> None:
    async with store.watch(PODS, start=await store.revision() + 1) as watch:
        before = watch.progress
        made = await store.create(key("a"), b"")
        assert before < made.mod_revision
        if watch.progress >= made.mod_revision:
            pytest.fail("the event has not been taken")
        await collect(watch, 1)
        assert watch.progress >= made.mod_revision


async def test_a_cancelled_wait_loses_no_event(store: Store) -> None:
    told: list[Event] = []
    async with store.watch(PODS, start=await store.revision() + 1) as watch:
        for number in range(20):
            waiting = asyncio.ensure_future(anext(watch))
            write = asyncio.ensure_future(store.create(key(f"{number:02}"), b""))
            # The wait is given up at different moments around the event.
            for _ in range(number % 5):
                await asyncio.sleep(0)
            waiting.cancel()
            (outcome,) = await asyncio.gather(waiting, return_exceptions=True)
            if isinstance(outcome, Batch):
                told += outcome.events
            await write
        told += await collect(watch, 20 - len(told))
    assert [event.kv.key for event in told] == [key(f"{number:02}") for number in range(20)]


# --- compaction


async def versions(store: Store, count: int) -> list[int]:
    """Revisions of `count` versions of key a."""
    kv = await store.create(key("a"), b"0")
    revisions = [kv.mod_revision]
    for number in range(1, count):
        kv = await store.update(key("a"), str(number).encode(), expected=kv.mod_revision)
        revisions.append(kv.mod_revision)
    return revisions


async def test_compaction_keeps_the_state_at_its_revision_and_after(store: Store) -> None:
    revisions = await versions(store, 6)
    await store.create(key("b"), b"b")
    await store.compact(revisions[3])
    for number in (3, 4, 5):
        found, _ = await store.get(key("a"), revision=revisions[number])
        assert found is not None
        assert found.value == str(number).encode()
        listed = await store.list(PODS, revision=revisions[number])
        assert [kv.value for kv in listed.items] == [str(number).encode()]
    for number in (0, 2):
        with pytest.raises(Compacted):
            await store.get(key("a"), revision=revisions[number])
        with pytest.raises(Compacted):
            await store.list(PODS, revision=revisions[number])
    assert len((await store.list(PODS)).items) == 2


async def test_a_watch_from_before_the_compaction_is_refused(store: Store) -> None:
    revisions = await versions(store, 6)
    await store.compact(revisions[3])
    with pytest.raises(Compacted):
        async with store.watch(PODS, start=revisions[3]):
            pytest.fail("entered")
    async with store.watch(PODS, start=revisions[4]) as watch:
        events = await collect(watch, 2)
    assert [event.kv.value for event in events] == [b"4", b"5"]
    assert [event.prev.value for event in events if event.prev] == [b"3", b"4"]


async def test_a_watch_that_fell_behind_a_compaction_says_so(store: Store) -> None:
    begin = await store.revision() + 1
    async with store.watch(PODS, start=begin) as slow, store.watch(PODS, start=begin) as quick:
        names = [f"p{i:05}" for i in range(6000)]
        last, _ = await asyncio.gather(fill(store, names), collect(quick, 6000))
        await store.compact(last)
        with pytest.raises(Compacted):
            await collect(slow, 6000)


async def test_compaction_forgets_deleted_keys_but_not_the_revision(store: Store) -> None:
    made = await store.create(key("a"), b"1")
    gone = await store.delete(key("a"), expected=made.mod_revision)
    await store.compact(gone.mod_revision)
    assert await store.revision() == gone.mod_revision
    assert await store.get(key("a")) == (None, gone.mod_revision)
    again = await store.create(key("a"), b"2")
    assert again.mod_revision == gone.mod_revision + 1
    await store.compact(again.mod_revision)
    assert await store.get(key("a")) == (again, again.mod_revision)


async def test_compaction_of_what_is_compacted_or_to_come(store: Store) -> None:
    revisions = await versions(store, 3)
    await store.compact(revisions[2])
    await store.compact(revisions[1])
    with pytest.raises(Compacted):
        await store.get(key("a"), revision=revisions[1])
    with pytest.raises(FutureRevision):
        await store.compact(revisions[2] + 1)


async def test_writes_go_on_while_much_is_compacted(store: Store) -> None:
    name = key("hot")
    kv = await store.create(name, b"")
    for _ in range(1500):
        kv = await store.update(name, b"x", expected=kv.mod_revision)
    compaction = asyncio.ensure_future(store.compact(kv.mod_revision))
    during = 0
    while not compaction.done():
        kv = await store.update(name, b"y", expected=kv.mod_revision)
        during += 1
    await compaction
    assert during > 0
    assert (await store.get(name))[0] == kv


# --- time to live


async def before_it_expires(store: Store, name: str, change: Callable[[KeyValue], Awaitable[KeyValue]]) -> KeyValue:
    """Changes a key that has a second to live: another one, should the machine stand still for so long."""
    while True:
        made = await store.create(key(name), b"", ttl=1)
        try:
            return await change(made)
        except RevisionConflict as e:
            if e.current is not None:
                raise


async def test_keys_expire_and_their_watchers_hear_of_it(store: Store) -> None:
    async with store.watch(PODS, start=await store.revision() + 1) as watch:
        await store.create(key("b"), b"stays")
        made = await store.create(key("a"), b"event", ttl=1)
        events = await collect(watch, 3)
    assert shape(events)[2] == ("DELETE", "default/a", b"event")
    assert events[2].prev == made
    assert [kv.value for kv in (await store.list(PODS)).items] == [b"stays"]


async def test_an_update_sets_or_drops_the_time_to_live(store: Store) -> None:
    await before_it_expires(store, "kept", lambda kv: store.update(kv.key, b"kept", expected=kv.mod_revision))
    shortened = await store.create(key("shortened"), b"", ttl=3600)
    changed = await store.update(key("shortened"), b"", expected=shortened.mod_revision, ttl=1)
    async with store.watch(PODS, start=changed.mod_revision + 1) as watch:
        await store.create(key("last"), b"", ttl=2)
        events = shape(await collect(watch, 3))
    # The first may have gone before the last was made, and both together after a while in which nobody looked.
    assert sorted(event for event in events if event[0] == "DELETE") == [
        ("DELETE", "default/last", b""),
        ("DELETE", "default/shortened", b""),
    ]
    assert [kv.value for kv in (await store.list(PODS)).items] == [b"kept"]


async def test_a_deleted_key_leaves_no_expiry_to_its_successor(store: Store) -> None:
    await before_it_expires(store, "a", lambda kv: store.delete(kv.key, expected=kv.mod_revision))
    await store.create(key("a"), b"new")
    async with store.watch(PODS, start=await store.revision() + 1) as watch:
        await store.create(key("b"), b"", ttl=2)
        events = await collect(watch, 2)
    assert [event.kv.key for event in events] == [key("b"), key("b")]
    assert (await store.get(key("a")))[0] is not None


# --- concurrency, cancellation, end


async def test_of_concurrent_writers_on_one_version_one_wins(store: Store) -> None:
    made = await store.create(key("a"), b"")
    results = await asyncio.gather(
        *(store.update(key("a"), str(i).encode(), expected=made.mod_revision) for i in range(50)),
        return_exceptions=True,
    )
    won = [result for result in results if not isinstance(result, BaseException)]
    lost = [result for result in results if isinstance(result, RevisionConflict)]
    assert (len(won), len(lost)) == (1, 49)
    assert all(conflict.current == won[0] for conflict in lost)


async def test_concurrent_counters_lose_no_step(store: Store) -> None:
    await store.create(key("counter"), b"0")

    async def step() -> None:
        current, _ = await store.get(key("counter"))
        while True:
            assert current is not None
            try:
                value = str(int(current.value) + 1).encode()
                await store.update(key("counter"), value, expected=current.mod_revision)
                return
            except RevisionConflict as e:
                current = e.current

    await asyncio.gather(*(step() for _ in range(40)))
    counter, _ = await store.get(key("counter"))
    assert counter is not None
    assert counter.value == b"40"


async def test_a_cancelled_write_is_whole_or_absent_and_harms_no_other(store: Store) -> None:
    tasks = [asyncio.ensure_future(store.create(key(str(i)), b"v")) for i in range(60)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(not isinstance(result, BaseException) for result in results[1::2])
    listed = {kv.key: kv.value for kv in (await store.list(PODS)).items}
    assert {key(str(i)) for i in range(1, 60, 2)} <= listed.keys()
    assert set(listed.values()) == {b"v"}


async def test_a_cancelled_list_leaves_the_store_working(store: Store) -> None:
    await fill(store, [str(i) for i in range(200)])
    tasks = [asyncio.ensure_future(store.list(PODS)) for _ in range(10)]
    await asyncio.sleep(0)
    for task in tasks[:9]:
        task.cancel()
    assert len((await tasks[9]).items) == 200
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len((await store.list(PODS)).items) == 200


async def test_a_closed_store_refuses_and_ends_its_watches(store: Store) -> None:
    async with store.watch(PODS, start=await store.revision() + 1) as watch:
        waiting = asyncio.ensure_future(anext(watch))
        queued = asyncio.ensure_future(store.create(key("queued"), b""))
        await asyncio.sleep(0)
        await store.close()
        # The last write may be told before the end.
        await asyncio.gather(waiting, return_exceptions=True)
        with pytest.raises(StoreUnavailable):
            await anext(watch)
    assert (await queued).key == key("queued")
    for refused in (
        store.create(key("a"), b""),
        store.update(key("a"), b"", expected=1),
        store.delete(key("a"), expected=1),
        store.get(key("a")),
        store.list(PODS),
        store.revision(),
        store.compact(1),
    ):
        with pytest.raises(StoreUnavailable):
            await refused
    with pytest.raises(StoreUnavailable):
        async with store.watch(PODS, start=1):
            pytest.fail("entered")
    await store.close()
