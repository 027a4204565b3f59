"""Every engine that the shared suite measures. A new one is one line in ENGINES."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from pynetes.storage import Store, open_store

ENGINES: dict[str, Callable[[Path], Awaitable[Store]]] = {
    "memory": lambda directory: open_store("memory:"),
    "sqlite": lambda directory: open_store(f"sqlite://{directory}/store.db"),
}


@pytest.fixture(params=ENGINES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store of each engine."""
    opened = await ENGINES[request.param](tmp_path)
    yield opened
    await opened.close()
