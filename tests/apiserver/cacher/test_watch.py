"""Watches of the cache, as clients of the API see them."""

import asyncio
from typing import Any

import orjson
import pytest

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apiserver.cacher import Cacher, Entry, Watcher
from pynetes.apiserver.cacher import cacher as cacher_module
from pynetes.apiserver.cacher.events import Frames, WatchEvent
from pynetes.storage import KeyValue

from .conftest import PODS, Pods


def is_web(entry: Entry) -> bool:
    return entry.labels.get("app") == "web"


WEB = '"app":"web"'
DB = '"app":"db"'


async def lines(watcher: Watcher, count: int) -> list[dict[str, Any]]:
    """The next `count` events, parsed from the wire bytes."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(60):
        while len(found) < count:
            frames = await anext(watcher)
            assert frames.data.endswith(b"\n")
            found += [orjson.loads(line) for line in frames.data.splitlines()]
    assert len(found) == count
    return found


def shape(events: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    return [
        (
            event["type"],
            event["object"]["metadata"].get("name", ""),
            int(event["object"]["metadata"]["resourceVersion"]),
        )
        for event in events
    ]


async def rest(watcher: Watcher) -> list[WatchEvent]:
    """All events until the watch ends."""
    async with asyncio.timeout(60):
        return [event async for frames in watcher for event in frames]


async def test_changes_come_as_they_happen(pods: Pods, cacher: Cacher) -> None:
    async with await cacher.watch(revision=cacher.revision) as watcher:
        made = await pods.create("a")
        changed = await pods.update(made, node="n")
        gone = await pods.delete(changed)
        told = await lines(watcher, 3)
    assert shape(told) == [
        ("ADDED", "a", made.mod_revision),
        ("MODIFIED", "a", changed.mod_revision),
        ("DELETED", "a", gone.mod_revision),
    ]
    assert told[2]["object"]["spec"] == {"nodeName": "n"}


@pytest.mark.parametrize("revision", [None, 0])
async def test_without_a_revision_the_state_comes_first(pods: Pods, cacher: Cacher, revision: int | None) -> None:
    made = [await pods.create(name) for name in ("b", "a")]
    await cacher.fresh()
    async with await cacher.watch(revision=revision) as watcher:
        later = await pods.create("c")
        assert shape(await lines(watcher, 3)) == [
            ("ADDED", "a", made[1].mod_revision),
            ("ADDED", "b", made[0].mod_revision),
            ("ADDED", "c", later.mod_revision),
        ]


async def test_a_watch_resumes_from_any_revision_in_the_window(pods: Pods, cacher: Cacher) -> None:
    made = [await pods.create(f"p{i}") for i in range(5)]
    await cacher.fresh()
    for skip in range(5):
        async with await cacher.watch(revision=made[skip].mod_revision) as watcher:
            later = await pods.create(f"later-{skip}")
            told = await lines(watcher, 5)
            assert shape(told)[: 4 - skip] == [("ADDED", f"p{i}", made[i].mod_revision) for i in range(skip + 1, 5)]
            assert shape(told)[-1] == ("ADDED", f"later-{skip}", later.mod_revision)
        made.append(later)


async def test_a_revision_before_the_window_is_expired(pods: Pods) -> None:
    first = await pods.create("a")
    await pods.create("b")
    cacher = Cacher(pods.store, PODS, gvk=GroupVersionKind("", "v1", "Pod"))
    running = asyncio.ensure_future(cacher.run())
    await cacher.ready()
    with pytest.raises(StatusError, match=r"too old resource version: 1 \(3\)") as caught:
        await cacher.watch(revision=first.mod_revision - 1)
    assert caught.value.code == 410
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_watch_from_the_future_tells_only_what_follows_it(pods: Pods, cacher: Cacher) -> None:
    async with await cacher.watch(revision=cacher.revision + 2) as watcher:
        for name in "abcd":
            await pods.create(name)
        assert [name for _, name, _ in shape(await lines(watcher, 2))] == ["c", "d"]


async def test_objects_enter_and_leave_a_selection(pods: Pods, cacher: Cacher) -> None:
    kv: KeyValue = await pods.create("a", labels=DB)
    await cacher.fresh()
    async with await cacher.watch(revision=0, predicate=is_web) as watcher:
        await pods.create("other", labels=DB)
        entered = kv = await pods.update(kv, labels=WEB)
        within = kv = await pods.update(kv, labels=WEB, node="n")
        left = kv = await pods.update(kv, labels=DB, node="m")
        outside = await pods.update(kv, labels=DB)
        again = await pods.update(outside, labels=WEB)
        gone = await pods.delete(again)
        born = await pods.create("b", labels=WEB)
        told = await lines(watcher, 6)
    assert shape(told) == [
        ("ADDED", "a", entered.mod_revision),
        ("MODIFIED", "a", within.mod_revision),
        ("DELETED", "a", left.mod_revision),
        ("ADDED", "a", again.mod_revision),
        ("DELETED", "a", gone.mod_revision),
        ("ADDED", "b", born.mod_revision),
    ]
    # Leaving shows the object as it was when it last matched.
    assert told[2]["object"]["metadata"]["labels"] == {"app": "web"}
    assert told[2]["object"]["spec"] == {"nodeName": "n"}


async def test_a_selection_holds_in_replays_as_well(pods: Pods, cacher: Cacher) -> None:
    begin = cacher.revision
    made = await pods.create("a", labels=WEB)
    left = await pods.update(made, labels=DB)
    await pods.create("b", labels=DB)
    await cacher.fresh()
    async with await cacher.watch(revision=begin, predicate=is_web) as watcher:
        told = shape(await lines(watcher, 2))
    assert told == [("ADDED", "a", made.mod_revision), ("DELETED", "a", left.mod_revision)]


@pytest.mark.parametrize("live", [True, False])
async def test_watches_of_a_namespace_and_of_one_object(pods: Pods, cacher: Cacher, live: bool) -> None:
    begin = cacher.revision
    scopes = {"": 4, f"{PODS}default/": 2, f"{PODS}default/a": 1, f"{PODS}kube-system/": 2, f"{PODS}other/": 0}
    watchers = {scope: await cacher.watch(scope, revision=begin) for scope in scopes} if live else {}
    for namespace in ("default", "kube-system"):
        for name in ("a", "ab"):
            await pods.create(name, namespace=namespace)
    await cacher.fresh()
    if not live:
        watchers = {scope: await cacher.watch(scope, revision=begin) for scope in scopes}
    for scope, watcher in watchers.items():
        watcher.end()
        told = await rest(watcher)
        assert len(told) == scopes[scope]
        assert all(event.entry.key.startswith(scope) for event in told)
    assert len(cacher._routes) == 0


async def test_watchers_of_an_indexed_field_hear_of_arrivals_and_departures(pods: Pods, cacher: Cacher) -> None:
    def on(node: str) -> Any:
        return lambda entry: entry.fields["spec.nodeName"] == node

    begin = cacher.revision
    watchers = {
        node: await cacher.watch(revision=begin, predicate=on(node), field_value=node) for node in ("n1", "n2", "n3")
    }
    kv = await pods.create("a")
    kv = await pods.update(kv, node="n1")
    kv = await pods.update(kv, node="n2")
    await pods.delete(kv)
    await cacher.fresh()
    for watcher in watchers.values():
        watcher.end()
    told = {node: [event.type for event in await rest(watcher)] for node, watcher in watchers.items()}
    assert told == {"n1": ["ADDED", "DELETED"], "n2": ["ADDED", "DELETED"], "n3": []}


async def test_sent_initial_events_end_with_the_annotated_bookmark(pods: Pods, cacher: Cacher) -> None:
    made = await pods.create("a")
    async with await cacher.watch(
        revision=made.mod_revision, send_initial_events=True, bookmarks=True, predicate=lambda e: True
    ) as watcher:
        later = await pods.create("b")
        told = await lines(watcher, 3)
    assert shape(told) == [
        ("ADDED", "a", made.mod_revision), ("BOOKMARK", "", made.mod_revision), ("ADDED", "b", later.mod_revision),
    ]  # fmt: skip
    assert told[1]["object"] == {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "resourceVersion": str(made.mod_revision),
            "annotations": {"k8s.io/initial-events-end": "true"},
        },
    }


async def test_no_initial_events_when_none_are_wanted(pods: Pods, cacher: Cacher) -> None:
    await pods.create("a")
    for revision in (None, 0):
        async with await cacher.watch(revision=revision, send_initial_events=False, bookmarks=True) as watcher:
            later = await pods.create(f"b{revision}")
            assert shape(await lines(watcher, 1)) == [("ADDED", f"b{revision}", later.mod_revision)]


async def test_initial_events_wait_for_a_revision_to_come(pods: Pods, cacher: Cacher) -> None:
    wanted = cacher.revision + 1
    starting = asyncio.ensure_future(cacher.watch(revision=wanted, send_initial_events=True))
    await asyncio.sleep(0)
    await pods.create("a")
    async with await starting as watcher:
        assert shape(await lines(watcher, 1)) == [("ADDED", "a", wanted)]


async def test_bookmarks_tell_the_store_s_progress(pods: Pods, cacher: Cacher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cacher_module, "_BOOKMARK_PERIOD", 0.01)
    async with (
        await cacher.watch(revision=cacher.revision, bookmarks=True) as wanting,
        await cacher.watch(revision=cacher.revision) as plain,
    ):
        other = await pods.store.create("/registry/core/nodes/n", b"")
        told = await lines(wanting, 1)
        assert shape(told) == [("BOOKMARK", "", other.mod_revision)]
        assert "annotations" not in told[0]["object"]["metadata"]
        made = await pods.create("a")
        assert shape(await lines(plain, 1)) == [("ADDED", "a", made.mod_revision)]
    # Nobody wants any more, so the timer is not set again.
    cacher._send_bookmarks()
    assert cacher._bookmark_timer is None


async def test_a_watch_ends_when_its_time_is_up_after_a_last_bookmark(
    pods: Pods, cacher: Cacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cacher_module, "_BOOKMARK_BEFORE_TIMEOUT", 0.01)
    watcher = await cacher.watch(revision=cacher.revision, bookmarks=True, timeout=0.5)
    other = await pods.store.create("/registry/core/nodes/n", b"")
    told = await rest(watcher)
    assert [(event.type, event.entry.mod_revision) for event in told] == [("BOOKMARK", other.mod_revision)]
    assert len(cacher._routes) == 0


async def test_a_watcher_too_slow_is_ended_at_a_point_it_can_resume_from(pods: Pods, cacher: Cacher) -> None:
    begin = cacher.revision
    slow = Watcher(None, capacity=10)
    cacher._routes.add(slow, PODS)
    for number in range(30):
        await pods.create(f"p{number:02}")
    await cacher.fresh()
    assert slow.ended
    assert slow.too_slow
    told = await rest(slow)
    assert [event.entry.mod_revision for event in told] == list(range(begin + 1, begin + 11))
    async with await cacher.watch(revision=told[-1].entry.mod_revision) as watcher:
        assert len(await lines(watcher, 20)) == 20
    assert len(cacher._routes) == 0


async def test_one_frame_larger_than_the_queue_is_still_told() -> None:
    watcher = Watcher(None, capacity=2)
    watcher.offer(Frames([WatchEvent("ADDED", Entry("/k", b"{}", i)) for i in range(1, 6)]))
    assert len(await anext(watcher)) == 5
    assert not watcher.ended


async def test_watchers_of_one_selection_share_the_bytes(pods: Pods, cacher: Cacher) -> None:
    watchers = [await cacher.watch(revision=cacher.revision, predicate=p) for p in (None, None, is_web, is_web)]
    await pods.create("a", labels=WEB)
    frames = [await anext(watcher) for watcher in watchers]
    assert frames[0].data is frames[1].data
    assert frames[2].data is frames[3].data == frames[0].data
    for watcher in watchers:
        watcher.close()


async def test_a_cancelled_consumer_leaves_the_others_alone(pods: Pods, cacher: Cacher) -> None:
    first = await cacher.watch(revision=cacher.revision)
    second = await cacher.watch(revision=cacher.revision)
    waiting = asyncio.ensure_future(anext(first))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    first.close()
    await pods.create("a")
    assert len(await lines(second, 1)) == 1
    assert await rest(first) == []
    second.close()


async def test_no_watcher_misses_or_repeats_an_event_under_load(pods: Pods, cacher: Cacher) -> None:
    begin = cacher.revision
    total = 400

    async def follow(start: int, stop: int) -> list[int]:
        seen = [start]
        async with asyncio.timeout(60):
            while seen[-1] < begin + total:
                async with await cacher.watch(revision=seen[-1]) as watcher:
                    async for frames in watcher:
                        seen += [event.entry.mod_revision for event in frames]
                        if seen[-1] >= begin + total or len(seen) % stop == 0:
                            break  # and resumes from where it was
        return seen

    async with asyncio.TaskGroup() as group:
        followers = [group.create_task(follow(begin, stop)) for stop in (1, 2, 7, 1000)]
        for writer in range(8):
            group.create_task(_write(pods, writer, total // 8))
    for follower in followers:
        assert follower.result() == list(range(begin, begin + total + 1))


async def _write(pods: Pods, writer: int, count: int) -> None:
    for number in range(count):
        await pods.create(f"w{writer}-{number}")
