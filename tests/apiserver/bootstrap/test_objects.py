"""Objects that every cluster has, and how they come back."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from pynetes.apis.names import CONFIG_MAPS
from pynetes.apiserver.bootstrap import objects
from pynetes.apiserver.server import APIServer
from pynetes.component import clock, pki
from pynetes.testing import apiserver

TRACKING = "kube-apiserver-legacy-service-account-token-tracking"


@pytest.fixture
def today() -> Iterator[str]:
    """The day, which does not end meanwhile."""
    now = clock.time_seconds()
    clock.set_wall_clock(lambda: now)
    yield clock.now().date().isoformat()
    clock.set_wall_clock(None)


async def test_the_day_since_which_tokens_in_secrets_are_tracked_stays_unless_it_is_none(
    tmp_path: Path, today: str
) -> None:
    files = await asyncio.to_thread(pki.ensure, tmp_path, addresses=("127.0.0.1",))
    config = apiserver.config(files, advertise_address="192.0.2.10")
    async with APIServer(config) as server:
        await server.ready()
        client = server.client()

        async def since() -> str:
            found = await client.get(CONFIG_MAPS, TRACKING, "kube-system")
            return str(found["data"]["since"])

        assert await since() == today
        await client.patch(CONFIG_MAPS, TRACKING, {"data": {"since": "2024-02-29"}}, "kube-system")
        await objects.legacy_token_tracking(client)
        assert await since() == "2024-02-29"
        await client.patch(CONFIG_MAPS, TRACKING, {"data": {"since": "20240229"}}, "kube-system")
        await objects.legacy_token_tracking(client)
        assert await since() == today
