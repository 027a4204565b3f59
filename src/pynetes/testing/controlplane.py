"""What follows an API server in `cluster`: a module of its own, since it is imported only where it is wanted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pynetes.client.rest import Client
from pynetes.component.pki import PKI
from pynetes.component.tasks import Tasks
from pynetes.controllers import manager
from pynetes.controllers.config import ControllerManagerConfig
from pynetes.controllers.context import ControllerContext
from pynetes.scheduler.scheduler import Scheduler
from pynetes.testing.hollow import HollowNode, ends_if_of_a_job

# Hollow nodes send no heartbeats.
_FOR_EVER = 1e9


@asynccontextmanager
async def running(client: Client, keys: PKI, nodes: int) -> AsyncIterator[tuple[HollowNode, ...]]:
    """The nodes are there; controllers and scheduler have been started."""
    async with Tasks("cluster") as tasks:
        made = tuple(HollowNode(client, tasks, f"node-{n}", number=n) for n in range(1, nodes + 1))
        for node in made:
            node.phase = ends_if_of_a_job
            await node.register()
        managed = ControllerManagerConfig(
            leader_elect=False, root_ca=keys.ca.certificate.read_text(), node_monitor_grace_period=_FOR_EVER
        )
        tasks.start(manager.run(ControllerContext.for_client(client, managed)), name="controller manager")
        tasks.start(Scheduler(client).run(), name="scheduler")
        yield made
