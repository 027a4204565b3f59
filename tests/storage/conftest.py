"""Every engine that the shared suite measures. A new one is a line in SERVERS or in EMBEDDED."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pynetes.storage import Store, open_store
from tests.storage.engines import Engine, Etcd, MariaDB, Postgres

SERVERS: dict[str, type[Engine]] = {"etcd": Etcd, "postgres": Postgres, "mysql": MariaDB}

EMBEDDED: dict[str, Callable[[Path], str]] = {
    "memory": lambda directory: "memory:",
    "sqlite": lambda directory: f"sqlite://{directory}/store.db",
}


class Servers:
    """The servers that run already; each is started when first asked for."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._running: dict[str, Engine] = {}

    def __getitem__(self, name: str) -> Engine:
        if name not in self._running:
            engine = SERVERS[name]()
            self._stack.callback(engine.close)
            engine.start()
            self._running[name] = engine
        return self._running[name]

    def close(self) -> None:
        self._stack.close()


@pytest.fixture(scope="package")
def servers() -> Iterator[Servers]:
    """One server of each engine for all tests here, in each process that runs some."""
    running = Servers()
    yield running
    running.close()


@pytest.fixture(params=[*EMBEDDED, *SERVERS])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path, servers: Servers) -> Iterator[str]:
    """The URL of an empty store of each engine."""
    if request.param in EMBEDDED:
        yield EMBEDDED[request.param](tmp_path)
        shutil.rmtree(tmp_path, ignore_errors=True)
    else:
        yield servers[request.param].empty()


@pytest.fixture
async def store(empty_url: str) -> AsyncIterator[Store]:
    """An empty store of each engine."""
    opened = await open_store(empty_url)
    yield opened
    await opened.close()


Opener = Callable[[], Awaitable[Store]]
