"""Get and list at the asked freshness, chunks, and starting anew."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Self

import pytest

from pynetes.apimachinery.errors import StatusError
from pynetes.apiserver.cacher import Cacher, Entry
from pynetes.apiserver.cacher import cacher as cacher_module
from pynetes.apiserver.cacher import listing as listing_module
from pynetes.component import clock, metrics
from pynetes.component.tasks import Tasks
from pynetes.storage import Batch, KeyValue, StoreUnavailable, Watch
from pynetes.storage.memory import MemoryStore

from .conftest import POD, PODS, Pods, pod_fields


def names(entries: list[Entry]) -> list[str]:
    return [entry.object["metadata"]["name"] for entry in entries]


def is_even(entry: Entry) -> bool:
    return int(entry.fields["metadata.name"][1:]) % 2 == 0


async def test_a_consistent_read_sees_every_acknowledged_write(pods: Pods, cacher: Cacher) -> None:
    for number in range(50):
        made = await pods.create(f"p{number}")
        await cacher.fresh()
        found = cacher.get(made.key)
        assert found is not None
        assert found.mod_revision == made.mod_revision == cacher.revision
    assert cacher.get(PODS + "default/none") is None


async def test_writes_of_other_resources_move_the_revision_on(pods: Pods, cacher: Cacher) -> None:
    other = await pods.store.create("/registry/core/nodes/n", b"")
    await cacher.fresh()
    assert cacher.revision == other.mod_revision
    assert (await cacher.list()).revision == other.mod_revision


async def test_a_revision_that_does_not_come_is_too_large(
    pods: Pods, cacher: Cacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cacher_module, "_PROGRESS_ROUNDS", 1)
    with pytest.raises(StatusError, match="Too large resource version: 99, current: 1") as caught:
        await cacher.list(revision=99)
    status = caught.value.status()
    assert (status["code"], status["reason"]) == (504, "Timeout")
    assert status["details"] == {
        "retryAfterSeconds": 1,
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
    }


async def test_a_read_waits_for_a_revision_to_come(pods: Pods, cacher: Cacher) -> None:
    waiting = asyncio.ensure_future(cacher.list(revision=cacher.revision + 2))
    await asyncio.sleep(0)
    await pods.store.create("/registry/core/nodes/n", b"")
    await pods.create("a")
    assert names((await waiting).entries) == ["a"]


async def test_a_machine_that_stood_still_has_not_waited(
    pods: Pods, cacher: Cacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cacher_module, "_PROGRESS_ROUNDS", 10)
    monkeypatch.setattr(cacher_module, "_PROGRESS_PERIOD", 0.02)
    reading = asyncio.ensure_future(cacher.list(revision=cacher.revision + 1))
    await asyncio.sleep(0)
    clock.sleep_blocking(0.25)
    for _ in range(3):  # what fell due meanwhile is seen before anything else
        await asyncio.sleep(0)
    await pods.create("a")
    assert names((await reading).entries) == ["a"]


async def test_lists_of_prefixes_and_selections(pods: Pods, cacher: Cacher) -> None:
    for number in range(4):
        await pods.create(f"p{number}")
        await pods.create(f"p{number}", namespace="other")
    assert len((await cacher.list()).entries) == 8
    assert len((await cacher.list(f"{PODS}other/")).entries) == 4
    assert names((await cacher.list(f"{PODS}other/p1")).entries) == ["p1"]
    assert names((await cacher.list(f"{PODS}other/", predicate=is_even)).entries) == ["p0", "p2"]
    listed = await cacher.list(f"{PODS}other/", predicate=is_even)
    assert listed.items == b",".join(entry.bytes for entry in listed.entries)
    typed = [{k: v for k, v in entry.object.items() if k not in ("apiVersion", "kind")} for entry in listed.entries]
    assert json.loads(b"[%b]" % listed.typed_items) == typed
    assert cacher.entries(f"{PODS}other/") == (await cacher.list(f"{PODS}other/")).entries
    assert (await cacher.list(f"{PODS}none/")).entries == []


@pytest.mark.parametrize("moved_on", [False, True])
async def test_chunks_show_one_moment(pods: Pods, cacher: Cacher, moved_on: bool) -> None:
    made = [await pods.create(f"p{number}") for number in range(7)]
    first = await cacher.list(limit=3)
    assert (names(first.entries), first.remaining) == (["p0", "p1", "p2"], 4)
    assert first.revision == made[-1].mod_revision
    if moved_on:
        await pods.create("p21")
        await pods.delete(made[3])
        await pods.update(made[4], node="n")
    second = await cacher.list(limit=3, continue_=first.continue_)
    assert (names(second.entries), second.remaining, second.revision) == (["p3", "p4", "p5"], 1, first.revision)
    assert second.entries[1].mod_revision == made[4].mod_revision
    third = await cacher.list(limit=3, continue_=second.continue_)
    assert (names(third.entries), third.remaining, third.continue_) == (["p6"], None, "")


@pytest.mark.parametrize("moved_on", [False, True])
async def test_chunks_of_a_selection_are_full_and_promise_no_count(pods: Pods, cacher: Cacher, moved_on: bool) -> None:
    for number in range(9):
        await pods.create(f"p{number}")
    first = await cacher.list(limit=2, predicate=is_even)
    assert (names(first.entries), first.remaining) == (["p0", "p2"], None)
    if moved_on:
        await pods.create("q0")
    second = await cacher.list(limit=2, predicate=is_even, continue_=first.continue_)
    assert (names(second.entries), second.revision) == (["p4", "p6"], first.revision)
    third = await cacher.list(limit=2, predicate=is_even, continue_=second.continue_)
    assert (names(third.entries), third.continue_) == (["p8"], "")


async def test_an_old_state_can_be_listed_exactly(pods: Pods, cacher: Cacher) -> None:
    first = await pods.create("p0")
    await pods.create("p1", namespace="other")
    second = await pods.create("p1")
    await pods.delete(first)
    assert names((await cacher.list(f"{PODS}default/", revision=second.mod_revision, exact=True)).entries) == [
        "p0",
        "p1",
    ]
    limited = await cacher.list(f"{PODS}default/", revision=second.mod_revision, limit=1, exact=True)
    assert (names(limited.entries), limited.remaining, limited.revision) == (["p0"], 1, second.mod_revision)
    old = await cacher.list(f"{PODS}default/p0", revision=first.mod_revision, exact=True)
    assert (names(old.entries), old.revision) == (["p0"], first.mod_revision)
    # "Not older than" is answered with the present.
    assert names((await cacher.list(f"{PODS}default/", revision=first.mod_revision)).entries) == ["p1"]


async def test_a_limit_is_ignored_where_any_state_will_do(pods: Pods, cacher: Cacher) -> None:
    for number in range(3):
        await pods.create(f"p{number}")
    await cacher.fresh()
    listed = await cacher.list(revision=0, limit=1)
    assert (len(listed.entries), listed.continue_) == (3, "")


async def test_a_compacted_chunk_offers_to_go_on_inconsistently(pods: Pods, cacher: Cacher) -> None:
    made = [await pods.create(f"p{number}") for number in range(4)]
    first = await cacher.list(limit=2)
    later = await pods.create("p9")
    await pods.store.compact(later.mod_revision)
    with pytest.raises(StatusError) as caught:
        await cacher.list(limit=2, continue_=first.continue_)
    assert (caught.value.code, caught.value.reason) == (410, "Expired")
    token = caught.value.status()["metadata"]["continue"]
    rest = await cacher.list(limit=9, continue_=token)
    assert (names(rest.entries), rest.revision) == (["p2", "p3", "p9"], later.mod_revision)
    with pytest.raises(StatusError, match="The resourceVersion for the provided list is too old"):
        await cacher.list(revision=made[0].mod_revision, exact=True)


async def test_it_loads_what_was_there_before_page_by_page(pods: Pods, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cacher_module, "PAGE", 3)
    for number in range(10):
        await pods.create(f"p{number}")
    async with Tasks("test") as tasks:
        cacher = Cacher(pods.store, PODS, gvk=POD)
        tasks.start(cacher.run(), name="cacher")
        await cacher.ready()
        assert names(cacher.entries()) == [f"p{number}" for number in range(10)]


async def test_until_it_is_loaded_clients_are_asked_to_come_again(pods: Pods, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cacher_module, "_READY_TIMEOUT", 0.01)
    cacher = Cacher(pods.store, PODS, gvk=POD)
    for request in (cacher.list(), cacher.watch(), cacher.fresh()):
        with pytest.raises(StatusError, match="storage is \\(re\\)initializing") as caught:
            await request
        assert (caught.value.code, caught.value.details["retryAfterSeconds"]) == (429, 1)


class StalledWatch:
    """Tells nothing, as a watch of a member that has lost its power."""

    progress = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Batch:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    def request_progress(self) -> None:
        pass


class StalledStore(MemoryStore):
    @asynccontextmanager
    async def watch(self, prefix: str, *, start: int) -> AsyncIterator[Watch]:
        yield StalledWatch()


async def test_where_the_cache_stays_behind_consistent_reads_ask_the_store(
    pods: Pods, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cacher_module, "_PROGRESS_ROUNDS", 1)
    monkeypatch.setattr(cacher_module, "_PROGRESS_PERIOD", 0.02)
    pods.store = StalledStore()
    async with Tasks("test") as tasks:
        cacher = Cacher(pods.store, PODS, gvk=POD, fields_of=pod_fields)
        tasks.start(cacher.run(), name="cacher")
        await cacher.ready()
        made = [await pods.create(f"p{number}") for number in range(5)]
        assert await cacher.serves(0)
        assert not await cacher.serves(None)
        first = await cacher.list(limit=3)
        assert (names(first.entries), first.revision, first.remaining) == (["p0", "p1", "p2"], made[-1].mod_revision, 2)
        rest = await cacher.list(limit=3, continue_=first.continue_, revision=None)
        assert (names(rest.entries), rest.revision) == (["p3", "p4"], first.revision)
        assert names((await cacher.list(predicate=is_even)).entries) == ["p0", "p2", "p4"]
        for revision, exact in ((made[-1].mod_revision, False), (99, True)):
            with pytest.raises(StatusError, match="Too large resource version"):
                await cacher.list(revision=revision, exact=exact)


class FlakyStore(MemoryStore):
    """Loses its watches when told."""

    def lose_watches(self) -> None:
        for watches in self._hub._by_directory.values():
            for watch in watches:
                watch.fail(StoreUnavailable("connection lost"))


async def test_when_it_loses_the_store_it_ends_its_watches_and_starts_anew(
    pods: Pods, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cacher_module, "_RESTART_DELAY", 0.01)
    pods.store = FlakyStore()
    await pods.create("a")
    async with Tasks("test") as tasks:
        cacher = Cacher(pods.store, PODS, gvk=POD)
        tasks.start(cacher.run(), name="cacher")
        await cacher.ready()
        watcher = await cacher.watch(revision=0)
        assert isinstance(pods.store, FlakyStore)
        pods.store.lose_watches()
        async with asyncio.timeout(60):
            told = [event.entry.key async for frames in watcher for event in frames]
        assert told == [PODS + "default/a"]
        await pods.create("b")
        assert names((await cacher.list()).entries) == ["a", "b"]
        assert "connection lost" in caplog.text
    await pods.store.close()


async def test_a_selection_at_an_old_revision_reads_on_until_its_page_is_full(
    pods: Pods, cacher: Cacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing_module, "PAGE", 2)
    made = [await pods.create(f"p{number}") for number in range(9)]
    await pods.create("q")
    found: list[str] = []
    listed = await cacher.list(revision=made[-1].mod_revision, limit=3, predicate=is_even, exact=True)
    found += names(listed.entries)
    while listed.continue_:
        listed = await cacher.list(limit=1, predicate=is_even, continue_=listed.continue_)
        found += names(listed.entries)
    assert found == ["p0", "p2", "p4", "p6", "p8"]
    everything = await cacher.list(revision=made[-1].mod_revision, exact=True)
    assert len(everything.entries) == 9
    none = await cacher.list(revision=made[-1].mod_revision, exact=True, limit=2, predicate=lambda e: False)
    assert (none.entries, none.continue_) == ([], "")


async def test_metrics_count_objects_events_and_slow_watchers(pods: Pods, cacher: Cacher) -> None:
    def value(name: str) -> float:
        return metrics.REGISTRY.get_sample_value(name, {"group": "", "resource": "pods"}) or 0.0

    received, dispatched = (value(f"apiserver_watch_cache_events_{what}_total") for what in ("received", "dispatched"))
    watchers = [await cacher.watch(revision=cacher.revision) for _ in range(3)]
    made = await pods.create("a")
    await pods.create("b")
    await pods.delete(made)
    await cacher.fresh()
    assert value("apiserver_resource_objects") == 1
    assert value("apiserver_watch_cache_events_received_total") == received + 3
    assert value("apiserver_watch_cache_events_dispatched_total") == dispatched + 9
    terminated = value("apiserver_terminated_watchers_total")
    watchers[0].too_slow = True
    for watcher in watchers:
        watcher.end()
    assert value("apiserver_terminated_watchers_total") == terminated + 1


async def test_a_consistent_read_waits_for_what_is_still_being_decoded(pods: Pods) -> None:
    at_work, go_on = asyncio.Event(), asyncio.Event()

    async def decode(items: Sequence[KeyValue]) -> list[KeyValue]:
        if items:
            at_work.set()
            await go_on.wait()
        return list(items)

    cacher = Cacher(pods.store, PODS, gvk=POD, decode=decode)
    async with Tasks("test") as tasks:
        tasks.start(cacher.run(), name="cacher")
        await cacher.ready()
        made = await pods.create("a")
        await at_work.wait()
        reading = asyncio.ensure_future(cacher.fresh())
        await asyncio.sleep(0.01)
        assert not reading.done()
        assert cacher.revision < made.mod_revision
        go_on.set()
        await reading
        assert cacher.get(made.key) is not None
