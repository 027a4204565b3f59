"""Watches over HTTPS: what they tell, in which form, and how they end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import pytest

from pynetes.apiserver.config import APIServerConfig
from pynetes.apiserver.server import APIServer
from pynetes.storage.memory import MemoryStore
from tests.apiserver.endpoints.conftest import Web, config_map

MAPS = "/api/v1/namespaces/default/configmaps"
MERGE = "application/merge-patch+json"
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"


class Stream:
    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer

    async def next(self) -> dict[str, Any]:
        line = await asyncio.wait_for(self.answer.content.readline(), 60)
        assert line, "the stream ended"
        event: dict[str, Any] = orjson.loads(line)
        return event

    async def names(self, count: int) -> list[tuple[str, str]]:
        events = [await self.next() for _ in range(count)]
        return [(event["type"], event["object"]["metadata"]["name"]) for event in events]

    async def ended(self) -> bool:
        return await asyncio.wait_for(self.answer.content.read(), 60) == b""


@asynccontextmanager
async def watching(web: Web, query: str = "", accept: str = "application/json") -> AsyncIterator[Stream]:
    async with web.session.get(f"{web.base}{MAPS}?watch=1{query}", headers={"Accept": accept}) as answer:
        assert answer.status == 200
        yield Stream(answer)


async def test_state_comes_first_then_changes(web: Web) -> None:
    await web.ok("POST", MAPS, config_map("a"))
    async with watching(web) as stream:
        assert await stream.names(1) == [("ADDED", "a")]
        await web.ok("POST", MAPS, config_map("b"))
        await web.ok("PATCH", f"{MAPS}/a", {"data": {"x": "y"}}, type=MERGE)
        await web.ok("DELETE", f"{MAPS}/a")
        assert await stream.names(3) == [("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "a")]


async def test_watch_from_a_version_tells_what_followed(web: Web) -> None:
    made = await web.ok("POST", MAPS, config_map("a"))
    await web.ok("POST", MAPS, config_map("b"))
    async with watching(web, f"&resourceVersion={made['metadata']['resourceVersion']}") as stream:
        assert await stream.names(1) == [("ADDED", "b")]


async def test_objects_enter_and_leave_a_selection(web: Web) -> None:
    async with watching(web, "&labelSelector=in%3Dyes") as stream:
        await web.ok("POST", MAPS, config_map("a"))
        await web.ok("PATCH", f"{MAPS}/a", {"metadata": {"labels": {"in": "yes"}}}, type=MERGE)
        await web.ok("PATCH", f"{MAPS}/a", {"metadata": {"labels": {"in": "no"}}}, type=MERGE)
        assert await stream.names(2) == [("ADDED", "a"), ("DELETED", "a")]


async def test_version_that_is_too_old_is_an_error_event(config: Callable[..., APIServerConfig]) -> None:
    store = MemoryStore()
    async with APIServer(config(), store=store) as server:
        await server.ready()
    # The second server's caches know nothing of what happened before it started.
    async with APIServer(config(), store=store) as server:
        await server.ready()
        found = await server.client().raw("GET", MAPS, query=[("watch", "1"), ("resourceVersion", "1")])
    event = orjson.loads(found.body)
    assert (found.status, event["type"]) == (200, "ERROR")
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
    await store.close()


async def test_initial_events_end_with_a_marked_bookmark(web: Web) -> None:
    await web.ok("POST", MAPS, config_map("a"))
    query = "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    async with watching(web, query) as stream:
        assert await stream.names(1) == [("ADDED", "a")]
        bookmark = await stream.next()
        assert bookmark["type"] == "BOOKMARK"
        assert bookmark["object"]["kind"] == "ConfigMap"
        assert bookmark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    async with watching(web, "&allowWatchBookmarks=true&resourceVersion=0", TABLE) as stream:
        await stream.next()
        bookmark = await stream.next()
        assert bookmark["type"] == "BOOKMARK"
        (row,) = bookmark["object"]["rows"]
        assert row["cells"] == ["", 0, "<unknown>"]
        assert row["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


async def test_timeout_ends_the_stream_cleanly(web: Web) -> None:
    async with watching(web, "&timeoutSeconds=1") as stream:
        assert await stream.ended()


async def test_shutdown_ends_streams_cleanly_and_at_once(web: Web, server: APIServer) -> None:
    async with watching(web) as stream:
        closing = asyncio.ensure_future(server.__aexit__(None, None, None))
        assert await stream.ended()
    await asyncio.wait_for(closing, 60)


async def test_events_are_messages_of_a_websocket(web: Web, server: APIServer) -> None:
    await web.ok("POST", MAPS, config_map("a"))
    url, origin = f"{web.base}{MAPS}?watch=1", {"Origin": "http://localhost"}
    async with web.session.ws_connect(url, headers=origin, protocols=("any",)) as socket:
        assert socket.protocol == "any"
        await web.ok("POST", MAPS, config_map("b"))
        for name in ("a", "b"):
            event = orjson.loads(await socket.receive_str(timeout=60))
            assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", name)
        async with web.session.ws_connect(
            f"{url}&timeoutSeconds=1", headers={**origin, "Accept": "application/vnd.kubernetes.protobuf"}
        ) as binary:
            both = [message.data async for message in binary]
            assert [message.startswith(b"\n\x05ADDED\x12") for message in both] == [True, True]
            assert binary.close_code == 1000
        async with web.session.ws_connect(url, headers=origin) as left:
            await left.receive_str(timeout=60)
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await web.session.ws_connect(url)
        closing = asyncio.ensure_future(server.__aexit__(None, None, None))
        assert (await socket.receive(timeout=60)).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
    await asyncio.wait_for(closing, 60)


async def test_tables_name_their_columns_once(web: Web) -> None:
    await web.ok("POST", MAPS, config_map("a"))
    async with watching(web, accept=TABLE) as stream:
        first = await stream.next()
        assert [c["name"] for c in first["object"]["columnDefinitions"]] == ["Name", "Data", "Age"]
        assert first["object"]["rows"][0]["cells"][:2] == ["a", 0]
        await web.ok("POST", MAPS, config_map("b"))
        second = await stream.next()
        assert second["object"]["columnDefinitions"] is None
        assert second["object"]["rows"][0]["cells"][0] == "b"


async def test_many_watchers_see_all_in_order(web: Web) -> None:
    async with (
        watching(web) as one,
        watching(web) as two,
    ):
        await asyncio.gather(*(web.ok("POST", MAPS, config_map(f"c{n}")) for n in range(50)))
        first, second = await one.names(50), await two.names(50)
    assert first == second
    assert {name for _, name in first} == {f"c{n}" for n in range(50)}
