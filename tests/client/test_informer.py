"""Informers over a transport that breaks: nothing is lost, nothing is told twice."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from pynetes.apimachinery.errors import StatusError, expired, service_unavailable
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apimachinery.selectors import parse_label_selector
from pynetes.client.informer import Informer, InformerFactory
from pynetes.client.reflector import Backoff, Fault, after_fault
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component.tasks import Tasks

PODS = GroupVersionResource("", "v1", "pods")


class Seen:
    """What the handlers were told, and a way to wait for it."""

    def __init__(self, informer: Informer) -> None:
        self.calls: list[str] = []
        self._changed = asyncio.Event()
        informer.add_handler(
            lambda obj: self._note(f"add {obj['metadata']['name']}"),
            lambda old, new: self._note(f"update {new['metadata']['name']}"),
            lambda obj: self._note(f"delete {obj['metadata']['name']}"),
        )

    def _note(self, call: str) -> None:
        self.calls.append(call)
        self._changed.set()

    async def until(self, *calls: str) -> None:
        while self.calls != list(calls):
            self._changed.clear()
            async with asyncio.timeout(30):
                await self._changed.wait()


@asynccontextmanager
async def running(server):
    informer = Informer(Client(server), PODS)
    informer.reflector._backoff = Backoff(0.001, 0.001, chance=lambda: 0)
    async with Tasks("test") as tasks:
        tasks.start(informer.run(), name="informer")
        await informer.wait_for_sync()
        yield informer


async def until_watching(server, count: int) -> None:
    async with asyncio.timeout(30):
        while len(server.watches) < count:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_the_cache_follows_every_change(faulty_server):
    faulty_server.put("a")
    async with running(faulty_server) as informer:
        seen = Seen(informer)
        faulty_server.put("b", x=1)
        faulty_server.put("a", x=2)
        faulty_server.remove("b")
        await seen.until("add a", "add b", "update a", "delete b")
        assert informer.keys() == ["default/a"]
        assert informer.get("default/a")["spec"] == {"x": 2}
        assert informer.get("default/a")["kind"] == "Pod"  # the list's items came without


async def test_managed_fields_are_not_kept(faulty_server):
    faulty_server.put("listed")
    async with running(faulty_server) as informer:
        seen = Seen(informer)
        faulty_server.put("watched")
        await seen.until("add listed", "add watched")
        assert all("managedFields" not in obj["metadata"] for obj in informer.list())


async def test_a_cut_connection_resumes_without_a_new_list(faulty_server):
    async with running(faulty_server) as informer:
        seen = Seen(informer)
        faulty_server.put("a")
        await seen.until("add a")
        faulty_server.cut(OSError("reset by peer"))
        faulty_server.put("b")
        faulty_server.remove("a")
        await seen.until("add a", "add b", "delete a")
        assert len(faulty_server.lists) == 1
        assert faulty_server.watches[-1]["resourceVersion"] == "2"


async def test_an_expired_version_costs_a_list_and_finds_what_was_missed(faulty_server):
    faulty_server.put("gone")
    faulty_server.put("kept")
    async with running(faulty_server) as informer:
        seen = Seen(informer)
        await until_watching(faulty_server, 1)
        faulty_server.cut(OSError("reset"))
        faulty_server.remove("gone")
        faulty_server.put("new")
        faulty_server.expire()
        await seen.until("add gone", "add kept", "delete gone", "add new")
        assert len(faulty_server.lists) == 2


async def test_an_object_made_again_in_the_gap_is_a_delete_and_an_add(faulty_server):
    faulty_server.put("a")
    async with running(faulty_server) as informer:
        seen = Seen(informer)
        await until_watching(faulty_server, 1)
        faulty_server.cut(OSError("reset"))
        faulty_server.put("a")
        faulty_server.objects["a"]["metadata"]["uid"] = "another"
        faulty_server.expire()
        await seen.until("add a", "delete a", "add a")


async def test_a_bookmark_moves_the_version_to_resume_from(faulty_server):
    async with running(faulty_server) as informer:
        faulty_server.version = 77
        await until_watching(faulty_server, 1)
        faulty_server.bookmark()
        async with asyncio.timeout(30):
            while informer.reflector.last_version != "77":  # noqa: ASYNC110
                await asyncio.sleep(0)
        faulty_server.cut()
        await until_watching(faulty_server, 2)
        assert faulty_server.watches[1]["resourceVersion"] == "77"


async def test_repeated_events_are_told_once(faulty_server):
    async with running(faulty_server) as informer:
        seen = Seen(informer)
        faulty_server.put("a")
        for _, frame in list(faulty_server.history):
            faulty_server._publish(frame["type"], frame["object"], keep=False)
        faulty_server.put("b")
        await seen.until("add a", "add b")


async def test_a_server_that_is_not_there_yet_is_waited_for(faulty_server):
    faulty_server.put("a")
    faulty_server.refuse = [TransportError("connection refused"), service_unavailable("starting")]
    async with running(faulty_server) as informer:
        assert informer.keys() == ["default/a"]


async def test_garbage_in_the_stream_is_a_broken_connection(faulty_server):
    async with running(faulty_server) as informer:
        seen = Seen(informer)
        await until_watching(faulty_server, 1)
        faulty_server.send(b"\x00nonsense\n")
        await until_watching(faulty_server, 2)
        faulty_server.put("a")
        await seen.until("add a")


async def test_a_long_list_is_read_in_pages(faulty_server, monkeypatch):
    monkeypatch.setattr("pynetes.client.reflector.PAGE_SIZE", 2)
    for i in range(5):
        faulty_server.put(f"p{i}")
    async with running(faulty_server) as informer:
        assert len(informer) == 5
        assert [q.get("continue") for q in faulty_server.lists] == [None, "2", "4"]


async def test_a_continue_token_that_expired_costs_one_whole_list(faulty_server, monkeypatch):
    monkeypatch.setattr("pynetes.client.reflector.PAGE_SIZE", 2)
    for i in range(5):
        faulty_server.put(f"p{i}")
    first = faulty_server.request

    async def request(*args, **kwargs):
        if len(faulty_server.lists) == 1:
            faulty_server.refuse = [expired("The provided continue parameter is too old")]
        return await first(*args, **kwargs)

    faulty_server.request = request
    async with running(faulty_server) as informer:
        assert len(informer) == 5
        assert "limit" not in faulty_server.lists[-1]


async def test_indexes_follow_the_objects(faulty_server):
    faulty_server.put("a", node="n1", labels={"app": "x"})
    faulty_server.put("b", node="n2", namespace="other")
    async with running(faulty_server) as informer:
        informer.add_index("node", lambda pod: [pod["spec"]["node"]])
        seen = Seen(informer)
        assert names(informer.by_index("node", "n1")) == ["a"]
        assert names(informer.list("other")) == ["b"]
        assert names(informer.list(selector=parse_label_selector("app=x"))) == ["a"]
        faulty_server.put("a", node="n2")
        faulty_server.remove("b")
        await seen.until("add a", "add b", "update a", "delete b")
        assert names(informer.by_index("node", "n1")) == []
        assert names(informer.by_index("node", "n2")) == ["a"]
        assert informer.list("other") == []


async def test_a_failing_handler_harms_nobody_else(faulty_server, caplog):
    async with running(faulty_server) as informer:
        informer.add_handler(lambda obj: 1 / 0)
        seen = Seen(informer)
        faulty_server.put("a")
        await seen.until("add a")
        assert informer.keys() == ["default/a"]
    assert "handler failed" in caplog.text


async def test_a_factory_shares_informers_and_starts_late_ones(faulty_server):
    faulty_server.put("a")
    factory = InformerFactory(Client(faulty_server))
    early = factory.informer(PODS)
    assert factory.informer(PODS) is early
    assert factory.informer(PODS, namespace="x") is not early
    async with Tasks("test") as tasks:
        factory.start(tasks)
        await factory.wait_for_sync()
        late = factory.informer(PODS, label_selector="app=x")
        await factory.wait_for_sync()
        assert late.has_synced


def names(objects):
    return [obj["metadata"]["name"] for obj in objects]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TransportError("reset"), Fault.RESUME),
        (expired("compacted"), Fault.RELIST),
        (StatusError(410, "Gone", "gone"), Fault.RELIST),
        (StatusError(504, "Timeout", "Timeout: Too large resource version: 9, current: 1"), Fault.RELIST),
        (StatusError(429, "TooManyRequests", "later"), Fault.WAIT),
        (StatusError(403, "Forbidden", "no"), Fault.WAIT),
    ],
)
def test_what_a_fault_asks_for(error, expected):
    assert after_fault(error) is expected


def test_backoff_doubles_to_its_limit_and_starts_over():
    backoff = Backoff(1, 4, chance=lambda: 0.5)
    assert [backoff.next() for _ in range(4)] == [1.5, 3, 6, 6]
    backoff.reset()
    assert backoff.next() == 1.5
