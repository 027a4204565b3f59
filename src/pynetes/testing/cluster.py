"""A control plane inside a test: API server, controllers, scheduler and hollow nodes in this process, on loopback.

No container runtime, no root, nothing on disk but keys. Whatever speaks to a cluster speaks to it by its kubeconfig:

    with cluster.started() as made:
        made.run(made.install("config/crd"))
        subprocess.run(["kubectl", "--kubeconfig", made.kubeconfig, "create", "deployment", "web", "--image=web"])

`running` is the same for tests that have an event loop of their own. Pods are scheduled and come up as their status
says; no program runs in them, so that there is nothing to exec into. With `controllers=False` it is the API server
alone, as upstream's envtest has it: nothing but the test changes objects, and it is there sooner.
"""

import asyncio
import tempfile
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from msgspec import Struct

from pynetes.component import clock, garbage, truststore

if TYPE_CHECKING:
    from pynetes.client.rest import Client
    from pynetes.component.pki import PKI, PairPath
    from pynetes.testing.hollow import HollowNode

T = TypeVar("T")
_SECONDS = 0.01


class Cluster(Struct, frozen=True):
    """`kubeconfig` is the administrator's. `client`, his as well, belongs to the event loop that the cluster runs in.

    What is a coroutine here runs in that loop: a test without one waits for it with `run`.
    """

    kubeconfig: Path
    url: str
    nodes: "tuple[HollowNode, ...]"
    client: "Client"
    keys: "PKI"
    loop: asyncio.AbstractEventLoop
    controllers: bool

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` returns or raises, done in the cluster's loop while this thread, which is another, waits."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def user(self, name: str, *groups: str) -> Path:
        """The kubeconfig of a user, known by a certificate. He may do what RBAC grants to his name and groups."""
        from pynetes.component.certificates import Request, issue, load

        pair = issue(load(self.keys.ca.certificate, self.keys.ca.key), Request(name, groups, client=True))
        return self._kubeconfig(f"user-{quote(name, safe='')}.kubeconfig", pair.certificate_pem, pair.key_pem)

    @property
    def serving(self) -> "PairPath":
        """Certificate and key of a server on this machine, for webhooks under test: clusters trust it (`install`)."""
        return self.keys.apiserver

    async def install(self, *paths: str | Path, webhooks: str = "") -> None:
        """Applies the objects in YAML and JSON files, or in folders of them, and waits until definitions are served.

        `webhooks`: the URL of a server that shows `serving`, asked in place of the Services that webhooks name.
        """
        from pynetes.testing import manifests

        objects = manifests.read(paths)
        if webhooks:
            authority = self.keys.ca.certificate.read_bytes()
            objects = [manifests.turned(obj, webhooks, authority) for obj in objects]
        await manifests.install(self.client, objects)

    async def namespace(self, prefix: str = "test-") -> str:
        """The name of a fresh one; pods may be created in it at once."""
        from pynetes.apis.names import NAMESPACES, SERVICE_ACCOUNTS

        wanted = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": prefix}}
        name: str = (await self.client.create(NAMESPACES, wanted))["metadata"]["name"]
        if self.controllers:
            while not (await self.client.list(SERVICE_ACCOUNTS, name))["items"]:
                await clock.sleep(_SECONDS)
        return name

    async def delete_namespace(self, name: str) -> None:
        """With all that is in it; not waited for."""
        from pynetes.apis.names import NAMESPACES

        await self.client.delete(NAMESPACES, name)

    def _kubeconfig(self, file: str, certificate: bytes, key: bytes) -> Path:
        from pynetes.client import kubeconfig

        authority = self.keys.ca.certificate.read_bytes()
        config = kubeconfig.Config(server=self.url, ca=authority, cert=certificate, key=key)
        path = self.kubeconfig.with_name(file)
        kubeconfig.write(path, kubeconfig.document("pynetes", config))
        return path


@asynccontextmanager
async def running(
    directory: Path, *, nodes: int = 1, controllers: bool = True, **settings: Any
) -> AsyncIterator[Cluster]:
    """In the running loop. `settings` are the API server's; keys and kubeconfigs go to `directory`.

    Without controllers there is no scheduler and there are no nodes either, and pods need no service account.
    """
    async with AsyncExitStack() as stack:
        with garbage.paused():
            truststore.import_aiohttp()
            from pynetes.apiserver.server import APIServer
            from pynetes.component import pki
            from pynetes.testing import apiserver

            keys = pki.ensure(directory / "pki", addresses=("127.0.0.1",), dns_names=("localhost",))
            if not controllers:
                settings = {"disable_admission_plugins": ("ServiceAccount",), **settings}
            server = await stack.enter_async_context(APIServer(apiserver.config(keys, **settings)))
            client = server.client()
            await server.ready()
            hollow: tuple[HollowNode, ...] = ()
            if controllers:
                from pynetes.testing import controlplane

                hollow = await stack.enter_async_context(controlplane.running(client, keys, nodes))
            url = f"https://127.0.0.1:{server.port}"
            made = Cluster(directory / "kubeconfig", url, hollow, client, keys, asyncio.get_running_loop(), controllers)
            made._kubeconfig("kubeconfig", keys.admin.certificate.read_bytes(), keys.admin.key.read_bytes())
        yield made


@contextmanager
def started(*, nodes: int = 1, controllers: bool = True, **settings: Any) -> Iterator[Cluster]:
    """In a thread of its own, so that a test without an event loop, or a blocking client, can use it."""
    with tempfile.TemporaryDirectory(prefix="pynetes-") as directory:
        thread = _Thread(Path(directory), {"nodes": nodes, "controllers": controllers, **settings})
        thread.start()
        try:
            yield thread.cluster()
        finally:
            thread.stop()


class _Thread(threading.Thread):
    def __init__(self, directory: Path, arguments: dict[str, Any]) -> None:
        super().__init__(name="cluster", daemon=True)
        self._directory, self._arguments = directory, arguments
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
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        async with running(self._directory, **self._arguments) as self._cluster:
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
