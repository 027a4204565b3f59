"""The real API server on a memory store with the cloud controllers, and the provider of the documentation."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, EVENTS, NODES, SERVICES
from pynetes.apiserver.server import APIServer
from pynetes.client.https import HTTPSTransport
from pynetes.client.rest import Client
from pynetes.cloud import customresources, manager, rights
from pynetes.cloud.config import CloudControllerManagerConfig
from pynetes.cloud.context import CloudContext
from pynetes.cloud.interface import CloudProvider
from pynetes.cloud.providers.local import addresspool
from pynetes.cloud.providers.local.addresspool import ADDRESS_POOLS
from pynetes.component import certificates, pki
from pynetes.component.pki import CLOUD_CONTROLLER_MANAGER_USER, PKI
from pynetes.component.tasks import Tasks
from pynetes.testing import apiserver

Object = dict[str, Any]
PAGE = Path(__file__).parents[2] / "docs" / "write-a-cloud-provider.md"


def documented_provider(name: str = "AcmeCloud") -> Any:
    """An instance of what the page "Write a cloud provider" shows."""
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL))
    module: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), module)
    return module[name]("")


class Cluster:
    def __init__(self, server: APIServer, keys: PKI) -> None:
        self.client = server.client()
        self._server, self._keys = server, keys

    @asynccontextmanager
    async def as_manager(self, provider: CloudProvider) -> AsyncIterator[Client]:
        """Over HTTPS as the cloud controller manager's user, which may do what `provider` needs and nothing else."""
        pair, name = self._keys.cloud_controller_manager, CLOUD_CONTROLLER_MANAGER_USER
        metadata, group = {"name": name}, "rbac.authorization.k8s.io"
        reference = {"apiGroup": group, "kind": "ClusterRole", "name": name}
        subjects = [{"apiGroup": group, "kind": "User", "name": name}]
        await self.client.create(CLUSTER_ROLES, {"metadata": metadata, "rules": rights.rules(provider)})
        binding = {"metadata": metadata, "roleRef": reference, "subjects": subjects}
        await self.client.create(CLUSTER_ROLE_BINDINGS, binding)
        tls = certificates.client_context(self._keys.ca.certificate, pair.certificate, pair.key)
        client = Client(HTTPSTransport(f"https://127.0.0.1:{self._server.port}", tls=tls))
        try:
            yield client
        finally:
            await client.close()

    async def create_node(self, name: str, *, ready: bool = True, **changes: Any) -> Object:
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, **changes}
        node["metadata"].setdefault("name", name)
        created = await self.client.create(NODES, node)
        return await self.set_ready(name, ready) if "status" not in changes else created

    async def set_ready(self, name: str, ready: bool) -> Object:
        condition = {"type": "Ready", "status": "True" if ready else "False", "reason": "Test", "message": ""}
        patch = {"status": {"conditions": [condition]}}
        return await self.client.patch(NODES, name, patch, type="strategic", subresource="status")

    async def create_service(self, name: str = "web", **spec: Any) -> Object:
        spec = {"type": "LoadBalancer", "ports": [{"port": 80}], **spec}
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}
        return await self.client.create(SERVICES, service, "default")

    async def install(self, definition: Object) -> None:
        async with asyncio.timeout(60):
            await customresources.install(self.client, [definition])

    async def create_pool(self, name: str, *ranges: str, **spec: Any) -> Object:
        """An AddressPool that is in force."""
        await self.install(addresspool.definition())
        await self.client.create(ADDRESS_POOLS, addresspool.manifest(name, list(ranges), **spec))

        async def is_ready() -> Object | None:
            return await self.pool(name) if await self.pool_condition(name, "Ready") == ("True", "InForce") else None

        ready: Object = await self.eventually(is_ready)
        return ready

    async def pool(self, name: str) -> Object:
        return await self.client.get(ADDRESS_POOLS, name)

    async def pool_condition(self, name: str, type: str) -> tuple[str, str] | None:
        """Its status and reason."""
        status = (await self.pool(name)).get("status") or {}
        found = meta.get_condition(status.get("conditions"), type)
        return (found["status"], found["reason"]) if found else None

    async def service(self, name: str = "web") -> Object:
        return await self.client.get(SERVICES, name, "default")

    async def node(self, name: str) -> Object:
        return await self.client.get(NODES, name)

    async def ingress(self, name: str = "web") -> list[Object]:
        found: list[Object] = (await self.service(name))["status"]["loadBalancer"].get("ingress") or []
        return found

    async def has_address(self, name: str = "web") -> str:
        async def check() -> str:
            entries = await self.ingress(name)
            return entries[0]["ip"] if entries else ""

        return str(await self.eventually(check))

    async def reasons(self, name: str) -> list[str]:
        return [event["reason"] for event in await self.events(name)]

    async def events(self, name: str) -> list[Object]:
        listed = await self.client.list(EVENTS)
        found = [event for event in listed["items"] if event["involvedObject"]["name"] == name]
        return sorted(found, key=lambda event: int(event["metadata"]["name"].rsplit(".", 1)[1], 16))

    async def event(self, name: str, reason: str) -> Object:
        async def check() -> Object | None:
            return next((event for event in await self.events(name) if event["reason"] == reason), None)

        found: Object = await self.eventually(check)
        return found

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

    async def gone(self, gvr: Any, name: str, namespace: str | None = None) -> None:
        async def check() -> bool:
            try:
                await self.client.get(gvr, name, namespace)
            except StatusError as error:
                return error.code == 404
            return False

        await self.eventually(check)


@asynccontextmanager
async def serving(directory: Path) -> AsyncIterator[Cluster]:
    keys = pki.ensure(directory)
    config = apiserver.config(keys)
    async with APIServer(config) as server:
        await server.ready()
        yield Cluster(server, keys)


@asynccontextmanager
async def managing(
    cluster: Cluster, provider: CloudProvider, client: Client | None = None, **settings: Any
) -> AsyncIterator[None]:
    """The cloud controller manager; `settings` are its own, `client` whom it acts as."""
    settings = {"leader_elect": False, "node_monitor_period": 0.05, **settings}
    context = CloudContext.for_client(client or cluster.client, provider, CloudControllerManagerConfig(**settings))
    async with Tasks("test") as tasks:
        tasks.start(manager.run(context), name="cloud controller manager")
        yield
