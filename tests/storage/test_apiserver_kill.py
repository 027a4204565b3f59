"""kill -9 of the API server under load over HTTPS, again and again: no write that a client was told of is lost.

PYNETES_KILL_ROUNDS sets how often. Every server is a process of its own, forked from one that has imported everything.
Engines other than SQLite are reached over TLS with client certificates.
"""

import asyncio
import multiprocessing
import os
from collections.abc import Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import CONFIG_MAPS
from pynetes.apiserver.config import APIServerConfig
from pynetes.client import kubeconfig
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component import pki
from pynetes.component.pki import PKI
from pynetes.testing import apiserver
from tests.ports import free_port
from tests.storage.engines import Engine, SecureEtcd, SecureMariaDB, SecurePostgres

ROUNDS = int(os.environ.get("PYNETES_KILL_ROUNDS", "10"))
ACKNOWLEDGED = 40
WRITERS = 6
NAMESPACE = "default"

SECURED: dict[str, type[Engine]] = {"etcd": SecureEtcd, "postgres": SecurePostgres, "mysql": SecureMariaDB}

pytestmark = pytest.mark.timeout(120 + 60 * ROUNDS)


def serve(config: APIServerConfig) -> None:
    """The process."""
    from pynetes.cli import components
    from pynetes.cli.running import run_component

    run_component(lambda: components.apiserver(config))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> PKI:
    return pki.ensure(tmp_path_factory.mktemp("pki"), addresses=("127.0.0.1",))


@pytest.fixture(params=["sqlite", *SECURED])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite://{tmp_path}/store.db"
        return
    engine = SECURED[request.param]()
    try:
        engine.start()
        yield engine.empty()
    finally:
        engine.close()


class Server:
    """An API server that can be killed and started again."""

    def __init__(self, files: PKI, url: str) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["pynetes.apiserver.server", "pynetes.cli.components"])
        self._process: ForkServerProcess | None = None
        self._config = apiserver.config(files, storage=url, secure_port=free_port())
        self._access = kubeconfig.Config(
            f"https://127.0.0.1:{self._config.secure_port}",
            ca=files.ca.certificate.read_bytes(),
            cert=files.admin.certificate.read_bytes(),
            key=files.admin.key.read_bytes(),
        )

    def client(self) -> Client:
        return Client(kubeconfig.transport(self._access), user_agent="test")

    def start(self) -> None:
        self._process = self._context.Process(target=serve, args=(self._config,))
        self._process.start()

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.join()
        self._process.close()


async def ready(client: Client) -> None:
    """As long as it takes."""
    while True:
        try:
            if (await client.raw("GET", "/readyz")).status == 200:
                return
        except (StatusError, TransportError):
            pass
        await asyncio.sleep(0.02)


class Writer:
    """Creates, updates and deletes one object for ever. `told`: the versions that were acknowledged, 0 for a delete.

    `next` is what the object is to be by the write under way, which may have happened or not.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.acknowledged = 0
        self.value: str | None = None
        self.version = 0
        self.next: str | None = None
        self._doubtful = False

    async def write(self, client: Client) -> None:
        """Until the server is gone."""
        self._doubtful = True  # the one before was killed under way
        try:
            for _ in range(1_000_000):
                try:
                    await self._once(client)
                    self._doubtful = False
                except StatusError as e:
                    # A store that stalls for long leaves the fate of a write open, and it may happen after a look.
                    if e.code < 500 and not self._doubtful:
                        raise
                    self._doubtful = True
                    await self._look(client)
        except TransportError:
            return

    async def _look(self, client: Client) -> None:
        while True:
            try:
                return self.check(await client.get(CONFIG_MAPS, self.name, NAMESPACE))
            except StatusError as e:
                if e.code == 404:
                    return self.check(None)
                if e.code < 500:
                    raise
            await asyncio.sleep(0.05)

    async def _once(self, client: Client) -> None:
        number = self.acknowledged + 1
        metadata: dict[str, Any] = {"name": self.name, "namespace": NAMESPACE}
        if self.value is not None and number % 7 == 6:
            self.next = None
            await client.delete(CONFIG_MAPS, self.name, NAMESPACE)
            self.value = None
        else:
            self.next = str(number)
            wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"n": self.next}}
            if self.value is None:
                made = await client.create(CONFIG_MAPS, wanted, NAMESPACE)
            else:
                metadata["resourceVersion"] = str(self.version)
                made = await client.update(CONFIG_MAPS, wanted)
            version = int(made["metadata"]["resourceVersion"])
            assert version > self.version
            self.value, self.version = self.next, version
        self.acknowledged = number

    def check(self, found: dict[str, Any] | None) -> None:
        """What is there after a kill is what was acknowledged last, or what was under way. Goes on from there."""
        value = found["data"]["n"] if found is not None else None
        if value == self.value:
            if found is not None:
                assert int(found["metadata"]["resourceVersion"]) == self.version
            return
        assert value == self.next, f"{self.name}: {value}, where {self.value} was acknowledged and {self.next} begun"
        self.value = value
        self.acknowledged += 1
        if found is not None:
            assert int(found["metadata"]["resourceVersion"]) > self.version
            self.version = int(found["metadata"]["resourceVersion"])


async def test_no_write_that_a_client_was_told_of_is_lost(files: PKI, url: str) -> None:
    server = Server(files, url)
    writers = [Writer(f"w{number}") for number in range(WRITERS)]
    server.start()
    try:
        for _ in range(ROUNDS):
            client = server.client()
            async with asyncio.timeout(100):
                await ready(client)
                listed = await client.list(CONFIG_MAPS, NAMESPACE)
                found = {obj["metadata"]["name"]: obj for obj in listed["items"]}
                for writer in writers:
                    writer.check(found.get(writer.name))
                goal = sum(writer.acknowledged for writer in writers) + ACKNOWLEDGED
                writing = [asyncio.ensure_future(writer.write(client)) for writer in writers]
                while sum(writer.acknowledged for writer in writers) < goal:
                    await asyncio.sleep(0.002)
                    assert not any(task.done() for task in writing)
                await asyncio.to_thread(server.kill)
                server.start()
                await asyncio.gather(*writing)
            await client.close()
    finally:
        server.kill()
