"""A store that fails for a while: it is told, what is in memory is served, nothing acknowledged is lost, and it goes on
by itself."""

import asyncio
import contextlib
import os
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import CONFIG_MAPS
from pynetes.apiserver.server import APIServer
from pynetes.client.rest import Client
from pynetes.component import certificates, pki
from pynetes.testing import apiserver
from tests.storage.engines import Engine, Etcd, MariaDB, Postgres

CONFIG_MAPS_PATH = "/api/v1/namespaces/default/configmaps"


class Failing:
    """A store's URL, and how it fails."""

    url = ""
    reads_itself = False
    """Whether the API server is the only one that writes there: then its memory is the newest state."""

    def fail(self) -> None:
        raise AssertionError

    def mend(self) -> None:
        raise AssertionError


class FullDisk(Failing):
    """SQLite on a disk that somebody else fills."""

    reads_itself = True

    def __init__(self, disk: Path) -> None:
        self.url = f"sqlite://{disk}/store.db"
        self._rest = disk / "rest"

    def fail(self) -> None:
        file = os.open(self._rest, os.O_WRONLY | os.O_CREAT)
        with contextlib.suppress(OSError):
            while True:
                os.write(file, bytes(4096))
        os.close(file)

    def mend(self) -> None:
        self._rest.unlink()


class Killed(Failing):
    """An engine that is killed, and started again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        engine.start()
        self.url = engine.empty()

    def fail(self) -> None:
        self._engine.kill()

    def mend(self) -> None:
        self._engine.start()


@pytest.fixture(params=[pytest.param("sqlite", marks=pytest.mark.root), "etcd", "postgres", "mysql"])
def failing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Failing]:
    if request.param == "sqlite":
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", tmp_path], check=True)
        yield FullDisk(tmp_path)
        subprocess.run(["umount", tmp_path], check=True)
        return
    engines: dict[str, type[Engine]] = {"etcd": Etcd, "postgres": Postgres, "mysql": MariaDB}
    engine = engines[request.param]()
    try:
        yield Killed(engine)
    finally:
        engine.close()


class Served:
    """A server, its client, and plain requests over HTTPS."""

    def __init__(self, server: APIServer, session: aiohttp.ClientSession) -> None:
        self.client: Client = server.client()
        self._base = f"https://127.0.0.1:{server.port}"
        self._session = session

    async def get(self, path: str) -> tuple[int, str]:
        async with self._session.get(self._base + path) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def served(failing: Failing, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    files = pki.ensure(tmp_path_factory.mktemp("pki"), addresses=("127.0.0.1",))
    config = apiserver.config(files, storage=failing.url)
    context: ssl.SSLContext = certificates.client_context(
        files.ca.certificate, files.admin.certificate, files.admin.key
    )
    async with (
        APIServer(config) as server,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session,
    ):
        await server.ready()
        yield Served(server, session)


def config_map(name: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"text": "x" * 20_000}}


async def follow(client: Client, version: str, seen: list[str]) -> None:
    """Notes the names of what comes after a version, in one watch."""
    async with aclosing(client.watch(CONFIG_MAPS, "default", resource_version=version)) as watch:
        async for event in watch:
            if event.type == "ADDED":
                seen.append(event.object["metadata"]["name"])


async def test_it_is_told_and_service_goes_on_by_itself(failing: Failing, served: Served) -> None:
    client, told, seen = served.client, [], []
    before = await client.create(CONFIG_MAPS, config_map("before"), "default")
    following = asyncio.ensure_future(follow(client, before["metadata"]["resourceVersion"], seen))
    await asyncio.to_thread(failing.fail)
    refused = None
    for number in range(200):  # what is left of the disk's last pages takes some
        try:
            told.append(await client.create(CONFIG_MAPS, config_map(f"during-{number}"), "default"))
        except StatusError as error:
            refused = error
            break
    assert refused is not None
    assert (refused.code, refused.reason) == (500, "")

    # From memory, when that is enough; what must ask the store takes as long as a client of the store is patient.
    paths = (f"{CONFIG_MAPS_PATH}/before", CONFIG_MAPS_PATH)
    for path in paths:
        assert (await served.get(f"{path}?resourceVersion=0"))[0] == 200
    (status, text), *asked = await asyncio.gather(*map(served.get, ("/readyz", *paths)))
    assert status == 500
    assert "[-]etcd failed: reason withheld" in text
    for status, text in asked:
        assert status == (200 if failing.reads_itself else 500)
        assert "panic" not in text

    await asyncio.to_thread(failing.mend)
    async with asyncio.timeout(60):
        while len(told) < 10:
            try:
                told.append(await client.create(CONFIG_MAPS, config_map(f"after-{len(told)}"), "default"))
            except StatusError:
                await asyncio.sleep(0.1)
        while (await served.get("/readyz"))[0] != 200:  # noqa: ASYNC110 (the state is the server's)
            await asyncio.sleep(0.1)
    listed = await client.list(CONFIG_MAPS, "default")
    names = {obj["metadata"]["name"]: obj["metadata"]["resourceVersion"] for obj in listed["items"]}
    for obj in told:
        assert names[obj["metadata"]["name"]] == obj["metadata"]["resourceVersion"]

    # The watch that was open all the time has told all of it, in order.
    wanted = [obj["metadata"]["name"] for obj in told]
    async with asyncio.timeout(60):
        while wanted[-1] not in seen:  # noqa: ASYNC110 (the watch is another task's)
            await asyncio.sleep(0.02)
    assert [name for name in seen if name in wanted] == wanted
    assert not following.done()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await client.close()
