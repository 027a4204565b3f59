"""A control plane inside a test: API server, controllers, scheduler and hollow nodes in this process, on loopback.

No container runtime, no root, nothing on disk but keys. Whatever speaks to a cluster speaks to it by its kubeconfig:

    with cluster.started() as made:
        subprocess.run(["kubectl", "--kubeconfig", made.kubeconfig, "create", "deployment", "web", "--image=web"])

`running` is the same for tests that have an event loop of their own. Pods are scheduled and come up as their status
says; no program runs in them, so that there is nothing to exec into.
"""

import asyncio
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from pynetes.apiserver.server import APIServer
from pynetes.client import kubeconfig
from pynetes.client.rest import Client
from pynetes.component import pki
from pynetes.component.tasks import Tasks
from pynetes.controllers import manager
from pynetes.controllers.config import ControllerManagerConfig
from pynetes.controllers.context import ControllerContext
from pynetes.scheduler.scheduler import Scheduler
from pynetes.testing import apiserver
from pynetes.testing.hollow import HollowNode, ends_if_of_a_job

# Hollow nodes send no heartbeats.
_FOR_EVER = 1e9


class Cluster(Struct, frozen=True):
    """`kubeconfig` is the administrator's; `client` belongs to the event loop that the cluster runs in."""

    kubeconfig: Path
    url: str
    nodes: tuple[HollowNode, ...]
    client: Client


@asynccontextmanager
async def running(directory: Path, *, nodes: int = 1, **settings: Any) -> AsyncIterator[Cluster]:
    """In the running loop. `settings` are the API server's; keys and kubeconfig go to `directory`."""
    keys = pki.ensure(directory / "pki", addresses=("127.0.0.1",), dns_names=("localhost",))
    authority = keys.ca.certificate.read_bytes()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(APIServer(apiserver.config(keys, **settings)))
        client = server.client()
        await server.ready()
        managed = ControllerManagerConfig(
            leader_elect=False, root_ca=authority.decode(), node_monitor_grace_period=_FOR_EVER
        )
        tasks = await stack.enter_async_context(Tasks("cluster"))
        made = tuple(HollowNode(client, tasks, f"node-{n}", number=n) for n in range(1, nodes + 1))
        for node in made:
            node.phase = ends_if_of_a_job
            await node.register()
        tasks.start(manager.run(ControllerContext.for_client(client, managed)), name="controller manager")
        tasks.start(Scheduler(client).run(), name="scheduler")
        url = f"https://127.0.0.1:{server.port}"
        certificate, key = keys.admin.certificate.read_bytes(), keys.admin.key.read_bytes()
        config = kubeconfig.Config(server=url, ca=authority, cert=certificate, key=key)
        path = directory / "kubeconfig"
        kubeconfig.write(path, kubeconfig.document("pynetes", config))
        yield Cluster(path, url, made, client)


@contextmanager
def started(*, nodes: int = 1, **settings: Any) -> Iterator[Cluster]:
    """In a thread of its own, so that a test without an event loop, or a blocking client, can use it."""
    with tempfile.TemporaryDirectory(prefix="pynetes-") as directory:
        thread = _Thread(Path(directory), nodes, settings)
        thread.start()
        try:
            yield thread.cluster()
        finally:
            thread.stop()


class _Thread(threading.Thread):
    def __init__(self, directory: Path, nodes: int, settings: dict[str, Any]) -> None:
        super().__init__(name="cluster", daemon=True)
        self._arguments = directory, nodes, settings
        self._decided = threading.Event()
        self._cluster: Cluster | None = None
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:
            self._failure = error
        finally:
            self._decided.set()

    async def _main(self) -> None:
        directory, nodes, settings = self._arguments
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        async with running(directory, nodes=nodes, **settings) as self._cluster:
            self._decided.set()
            await self._end.wait()

    def cluster(self) -> Cluster:
        """Waits until it is there; the error that kept it from starting, if there was one."""
        self._decided.wait()
        if self._cluster is None:
            raise RuntimeError("the cluster did not start") from self._failure
        return self._cluster

    def stop(self) -> None:
        if self._loop is not None and self._end is not None and self.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
        self.join()
        if self._cluster is not None and self._failure is not None:
            raise RuntimeError("the cluster failed") from self._failure
