"""A control plane in one event loop: the real API server on a memory store, the controllers, and a hollow node that
schedules and runs pods by writing their status, as a kubelet would."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import DEPLOYMENTS, NODES, PODS
from pynetes.apiserver.server import APIServer
from pynetes.client.informer import Informer
from pynetes.client.rest import Client
from pynetes.component import pki
from pynetes.component.tasks import Tasks
from pynetes.controllers import manager
from pynetes.controllers.config import ControllerManagerConfig
from pynetes.controllers.context import ControllerContext
from pynetes.controllers.daemonset.placement import target_node
from pynetes.testing import apiserver

Object = dict[str, Any]


class HollowNode:
    """Binds every pod to itself, brings it up (unless told to leave it) and lets it go when it is deleted."""

    def __init__(self, client: Client, tasks: Tasks, name: str = "n1") -> None:
        self.client, self.name = client, name
        self.starts: Callable[[Object], bool] = lambda pod: True
        self.phase = "Running"
        self._tasks = tasks
        self._ips: dict[str, str] = {}
        self.pods = Informer(client, PODS)
        self.pods.add_handler(self._seen, lambda old, new: self._seen(new))

    async def register(self) -> None:
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self.name, "labels": {"topology.kubernetes.io/zone": "z1"}},
            "status": {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "ok"}]},
        }
        await self.client.create(NODES, node)
        self._tasks.start(self.pods.run(), name="hollow node")

    def _seen(self, pod: Object) -> None:
        self._tasks.start(self._drive(pod), name=f"drive {meta.key(pod)}")

    async def _drive(self, pod: Object) -> None:
        name, namespace = meta.name(pod), meta.namespace(pod)
        try:
            if not pod["spec"].get("nodeName") and not meta.is_deleting(pod):
                node = target_node(pod) or self.name
                target = {"apiVersion": "v1", "kind": "Node", "name": node}
                binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": target}
                await self.client.create(PODS, binding, namespace, name=name, subresource="binding")
            elif meta.is_deleting(pod):
                await self.client.delete(PODS, name, namespace, grace_period_seconds=0)
            elif pod["status"].get("phase") == "Pending" and self.starts(pod):
                await self.run(pod, ready=self.phase == "Running", phase=self.phase)
        except StatusError as error:
            if error.code not in (404, 409):
                raise

    async def run(self, pod: Object, *, ready: bool = True, phase: str = "Running") -> None:
        ip = self._ips.setdefault(meta.uid(pod), f"10.244.0.{len(self._ips) + 2}")
        condition = {
            "type": "Ready",
            "status": "True" if ready else "False",
            "lastTransitionTime": meta.creation_time(pod),
        }
        status = {"phase": phase, "podIP": ip, "podIPs": [{"ip": ip}], "conditions": [condition]}
        patch = {"status": status}
        await self.client.patch(
            PODS, meta.name(pod), patch, meta.namespace(pod), type="strategic", subresource="status"
        )


class Cluster:
    """What a test talks to."""

    def __init__(self, client: Client, node: HollowNode, context: ControllerContext) -> None:
        self.client, self.node, self.context = client, node, context

    async def eventually(self, check: Callable[[], Awaitable[Any]], timeout: float = 20) -> Any:
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
    """All controllers and one hollow node on it; `settings` are the controller manager's."""
    settings.setdefault("leader_elect", False)
    settings.setdefault("root_ca", "the CA")
    async with serving(directory) as (server, _):
        client = server.client()
        context = ControllerContext.for_client(client, ControllerManagerConfig(**settings))
        async with Tasks("cluster") as tasks:
            node = HollowNode(client, tasks)
            await node.register()
            tasks.start(manager.run(context), name="controller manager")
            yield Cluster(client, node, context)
