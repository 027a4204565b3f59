"""What `cluster` is made of: a module of its own, since importing it takes longer than starting it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from msgspec import Struct

from pynetes.apiserver.server import APIServer
from pynetes.client.rest import Client
from pynetes.component.pki import PKI
from pynetes.component.tasks import Tasks
from pynetes.controllers import manager
from pynetes.controllers.config import ControllerManagerConfig
from pynetes.controllers.context import ControllerContext
from pynetes.scheduler.scheduler import Scheduler
from pynetes.testing import apiserver
from pynetes.testing.hollow import HollowNode, ends_if_of_a_job

# Hollow nodes send no heartbeats.
_FOR_EVER = 1e9


class ControlPlane(Struct, frozen=True):
    url: str
    client: Client
    nodes: tuple[HollowNode, ...]


@asynccontextmanager
async def running(keys: PKI, nodes: int, settings: dict[str, Any]) -> AsyncIterator[ControlPlane]:
    """The API server is ready; controllers and scheduler have begun to look at it."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(APIServer(apiserver.config(keys, **settings)))
        client = server.client()
        await server.ready()
        managed = ControllerManagerConfig(
            leader_elect=False, root_ca=keys.ca.certificate.read_text(), node_monitor_grace_period=_FOR_EVER
        )
        tasks = await stack.enter_async_context(Tasks("cluster"))
        made = tuple(HollowNode(client, tasks, f"node-{n}", number=n) for n in range(1, nodes + 1))
        for node in made:
            node.phase = ends_if_of_a_job
            await node.register()
        tasks.start(manager.run(ControllerContext.for_client(client, managed)), name="controller manager")
        tasks.start(Scheduler(client).run(), name="scheduler")
        yield ControlPlane(f"https://127.0.0.1:{server.port}", client, made)
