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
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from pynetes.component import garbage, truststore

if TYPE_CHECKING:
    from pynetes.client.rest import Client
    from pynetes.testing.hollow import HollowNode


class Cluster(Struct, frozen=True):
    """`kubeconfig` is the administrator's; `client` belongs to the event loop that the cluster runs in."""

    kubeconfig: Path
    url: str
    nodes: "tuple[HollowNode, ...]"
    client: "Client"


@asynccontextmanager
async def running(directory: Path, *, nodes: int = 1, **settings: Any) -> AsyncIterator[Cluster]:
    """In the running loop. `settings` are the API server's; keys and kubeconfig go to `directory`."""
    async with AsyncExitStack() as stack:
        with garbage.paused():
            truststore.import_aiohttp()
            from pynetes.client import kubeconfig
            from pynetes.component import pki
            from pynetes.testing import controlplane

            keys = pki.ensure(directory / "pki", addresses=("127.0.0.1",), dns_names=("localhost",))
            made = await stack.enter_async_context(controlplane.running(keys, nodes, settings))
            ca, cert, key = (
                path.read_bytes() for path in (keys.ca.certificate, keys.admin.certificate, keys.admin.key)
            )
            path = directory / "kubeconfig"
            config = kubeconfig.Config(server=made.url, ca=ca, cert=cert, key=key)
            kubeconfig.write(path, kubeconfig.document("pynetes", config))
        yield Cluster(path, made.url, made.nodes, made.client)


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
