"""Those within the server who follow objects."""

import asyncio
from typing import Any

import pytest

from pynetes.apis.names import CONFIG_MAPS
from pynetes.apis.registry import RESOURCES
from pynetes.apiserver.cacher import cacher
from pynetes.apiserver.registry import registry as registry_module
from pynetes.apiserver.registry.registry import Registry
from pynetes.component.tasks import Tasks
from pynetes.storage import KeyValue, ListResult
from tests.apiserver.cacher.test_cacher import FlakyStore

KEY = "/registry/core/configmaps/default/"


class Slow(FlakyStore):
    """Lists nothing while it is not `here`."""

    def __init__(self) -> None:
        super().__init__()
        self.here = asyncio.Event()

    async def list(self, prefix: str, **options: Any) -> ListResult:
        await self.here.wait()
        return await super().list(prefix, **options)

    async def make(self, name: str) -> KeyValue:
        return await self.create(KEY + name, b'{"metadata":{"namespace":"default","name":"%b"}}' % name.encode())


async def test_an_observer_waits_for_a_store_that_is_slow_or_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long: clients are asked to come again meanwhile, but who serves them cannot."""
    monkeypatch.setattr(cacher, "_READY_TIMEOUT", 0.01)
    monkeypatch.setattr(cacher, "_RESTART_DELAY", 0.0)
    monkeypatch.setattr(registry_module, "_RETRY", 0.01)
    store, seen = Slow(), asyncio.Queue[tuple[str, str]]()

    def observe(change: str, obj: dict[str, Any]) -> None:
        seen.put_nowait((change, obj["metadata"]["name"]))

    registry = Registry(store, resources=[resource for resource in RESOURCES if resource.gvr == CONFIG_MAPS])
    await store.make("a")
    async with asyncio.timeout(60), Tasks("test") as tasks:
        registry.start(tasks)
        feeding = tasks.start(registry.feed(CONFIG_MAPS, observe, tasks), name="feed")
        await asyncio.sleep(0.05)
        store.here.set()
        await feeding
        assert seen.get_nowait() == ("ADDED", "a")
        store.here.clear()
        store.lose_watches()
        await store.make("b")
        await asyncio.sleep(0.05)
        store.here.set()
        assert [await seen.get() for _ in "ab"] == [("MODIFIED", "a"), ("ADDED", "b")]
    await store.close()
