"""A control plane in one event loop: the real API server on a memory store, the controllers, and a hollow node that
schedules and runs pods by writing their status, as a kubelet would."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import DEPLOYMENTS
from pynetes.apiserver.server import APIServer
from pynetes.client.rest import Client
from pynetes.component import pki
from pynetes.component.tasks import Tasks
from pynetes.controllers import manager
from pynetes.controllers.config import ControllerManagerConfig
from pynetes.controllers.context import ControllerContext
from pynetes.testing import apiserver
from pynetes.testing.hollow import HollowNode

Object = dict[str, Any]

FOR_EVER = 1e9
"""Seconds."""


class Cluster:
    """What a test talks to."""

    def __init__(self, client: Client, node: HollowNode, context: ControllerContext) -> None:
        self.client, self.node, self.context = client, node, context

    async def eventually(self, check: Callable[[], Awaitable[Any]], timeout: float = 60) -> Any:
        """What `check` returns once it is true."""
        found: Any = None
        try:
            async with asyncio.timeout(timeout):
                while not (found := await check()):  # noqa: ASYNC110 (the state is the server's)
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"never came true: {found!r}") from None
        return found

    async def names(self, gvr: Any, namespace: str = "default", selector: str = "") -> list[str]:
        listed = await self.client.list(gvr, namespace, label_selector=selector)
        return sorted(meta.name(item) for item in listed["items"])

    async def gone(self, gvr: Any, name: str, namespace: str | None = "default") -> None:
        async def check() -> bool:
            try:
                await self.client.get(gvr, name, namespace)
            except StatusError as error:
                return error.code == 404
            return False

        await self.eventually(check)

    async def settled(self, name: str, namespace: str = "default") -> Object:
        """A Deployment whose rollout is complete."""

        async def check() -> Object | None:
            found = await self.client.get(DEPLOYMENTS, name, namespace)
            status, wanted = found.get("status") or {}, found["spec"]["replicas"]
            counts = [status.get(f) or 0 for f in ("replicas", "updatedReplicas", "availableReplicas")]
            observed = status.get("observedGeneration") == meta.generation(found)
            return found if observed and counts == [wanted] * 3 else None

        found: Object = await self.eventually(check)
        return found


@asynccontextmanager
async def serving(directory: Path) -> AsyncIterator[tuple[APIServer, pki.PKI]]:
    """The API server alone, on a port of its own and a memory store."""
    keys = pki.ensure(directory)
    config = apiserver.config(keys)
    async with APIServer(config) as server:
        await server.ready()
        yield server, keys


@asynccontextmanager
async def running(directory: Path, **settings: Any) -> AsyncIterator[Cluster]:
    """All controllers and one hollow node on it; `settings` are the controller manager's.

    The node sends no heartbeats: unless a test is about them, it is not missed.
    """
    settings.setdefault("leader_elect", False)
    settings.setdefault("root_ca", "the CA")
    settings.setdefault("node_monitor_grace_period", FOR_EVER)
    settings.setdefault("node_startup_grace_period", FOR_EVER)
    async with serving(directory) as (server, _):
        client = server.client()
        context = ControllerContext.for_client(client, ControllerManagerConfig(**settings))
        async with Tasks("cluster") as tasks:
            node = HollowNode(client, tasks, binds=True)
            await node.register()
            tasks.start(manager.run(context), name="controller manager")
            yield Cluster(client, node, context)
