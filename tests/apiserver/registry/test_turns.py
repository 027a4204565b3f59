"""Lost races."""

import asyncio

import pytest

from pynetes.apiserver.registry.turns import Turns
from tests.apiserver.endpoints.conftest import Web, config_map, server, web

__all__ = ["server", "web"]

MAPS = "/api/v1/namespaces/default/configmaps"
WRITERS = 40


async def test_turns_are_taken_one_after_another_and_given_back() -> None:
    turns, seen = Turns(), []

    async def write(name: str) -> None:
        async with turns.take("a"):
            seen.append(name)
            await asyncio.sleep(0)
            seen.append(name)

    async with turns.take("a"):
        writers = asyncio.gather(*map(write, "xyz"))
        async with turns.take("b"):
            await asyncio.sleep(0)
        assert seen == []
    await writers
    assert "".join(seen) == "xxyyzz"


async def test_whoever_waits_too_long_goes_on_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pynetes.apiserver.registry.turns._PATIENCE", 0.01)
    turns, seen = Turns(), []
    async with turns.take("a"):
        async with turns.take("a"):
            seen.append("without")
        async with turns.take("a"):
            seen.append("again")
    async with asyncio.timeout(30), turns.take("a"):
        assert seen == ["without", "again"]


async def test_all_who_change_one_object_at_once_have_changed_it(web: Web) -> None:
    await web.ok("POST", MAPS, config_map("one"))
    patches = ({"data": {f"key-{number}": "x"}} for number in range(WRITERS))
    merge = "application/merge-patch+json"
    await asyncio.gather(*(web.ok("PATCH", f"{MAPS}/one", patch, type=merge) for patch in patches))
    assert len((await web.ok("GET", f"{MAPS}/one"))["data"]) == WRITERS
