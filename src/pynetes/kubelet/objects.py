"""The ConfigMaps, Secrets and Services that this node's pods need.

A watch for each single ConfigMap and Secret that some pod names, as upstream's watch manager has it: the node
authorizer lets a node see no others. An object nobody names any more is watched a little longer, for the next pod of
the same workload will name it again.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from msgspec import Struct, field

from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apis.names import CONFIG_MAPS, SECRETS, SERVICES
from pynetes.client.informer import Informer
from pynetes.client.rest import Client
from pynetes.component import clock
from pynetes.component.tasks import Tasks

log = logging.getLogger(__name__)

_KINDS: dict[str, GroupVersionResource] = {"ConfigMap": CONFIG_MAPS, "Secret": SECRETS}
_LINGER = 60.0
_SYNC_TIMEOUT = 5.0


class Reference(NamedTuple):
    """`kind` is ConfigMap or Secret."""

    kind: str
    namespace: str
    name: str


class CacheError(Exception):
    """The object's state is not known (yet): neither that it exists nor that it does not."""


def references(pod: Mapping[str, Any]) -> set[Reference]:
    """Every ConfigMap and Secret that the pod names."""
    namespace = pod["metadata"]["namespace"]
    found = {("Secret", ref.get("name")) for ref in pod["spec"].get("imagePullSecrets") or ()}
    for container in _containers(pod["spec"]):
        found.update(_container_references(container))
    for volume in pod["spec"].get("volumes") or ():
        found.update(_volume_references(volume))
    return {Reference(kind, namespace, name) for kind, name in found if name}


def _containers(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for key in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(key) or ()


def _container_references(container: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    for source in container.get("envFrom") or ():
        yield "ConfigMap", (source.get("configMapRef") or {}).get("name")
        yield "Secret", (source.get("secretRef") or {}).get("name")
    for variable in container.get("env") or ():
        source = variable.get("valueFrom") or {}
        yield "ConfigMap", (source.get("configMapKeyRef") or {}).get("name")
        yield "Secret", (source.get("secretKeyRef") or {}).get("name")


def _volume_references(volume: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    yield "ConfigMap", (volume.get("configMap") or {}).get("name")
    yield "Secret", (volume.get("secret") or {}).get("secretName")
    for source in (volume.get("projected") or {}).get("sources") or ():
        yield "ConfigMap", (source.get("configMap") or {}).get("name")
        yield "Secret", (source.get("secret") or {}).get("name")
    yield "Secret", ((volume.get("csi") or {}).get("nodePublishSecretRef") or {}).get("name")
    for kind in ("cephfs", "flexVolume", "iscsi", "rbd", "scaleIO", "storageos"):
        yield "Secret", ((volume.get(kind) or {}).get("secretRef") or {}).get("name")
    yield "Secret", (volume.get("azureFile") or {}).get("secretName")


class _Watched(Struct):
    informer: Informer
    users: set[str] = field(default_factory=set)
    unused_since: float = 0
    task: "asyncio.Task[None] | None" = None


class NodeObjects:
    """Run `run()` as a task of the kubelet."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._listeners: list[Callable[[str, str, str], None]] = []
        self._watched: dict[Reference, _Watched] = {}
        self._used: dict[str, set[Reference]] = {}
        self._tasks: Tasks | None = None
        self._services = Informer(client, SERVICES)

    def add_listener(self, on_change: Callable[[str, str, str], None]) -> None:
        """`on_change(kind, namespace, name)` hears of every change."""
        self._listeners.append(on_change)

    # -- which objects

    def register(self, pod: Mapping[str, Any]) -> None:
        """Follows what the pod names, from now on; call again when the pod changes."""
        uid, wanted = pod["metadata"]["uid"], references(pod)
        self._release(uid, self._used.get(uid, set()) - wanted)
        self._used[uid] = wanted
        for reference in wanted:
            watched = self._watched.get(reference)
            if watched is None:
                watched = self._watched[reference] = self._watch(reference)
            watched.users.add(uid)

    def unregister(self, uid: str) -> None:
        self._release(uid, self._used.pop(uid, set()))

    def _release(self, uid: str, released: Iterable[Reference]) -> None:
        for reference in released:
            watched = self._watched[reference]
            watched.users.discard(uid)
            if not watched.users:
                watched.unused_since = clock.monotonic()

    def _watch(self, reference: Reference) -> _Watched:
        informer = Informer(
            self._client,
            _KINDS[reference.kind],
            namespace=reference.namespace,
            field_selector=f"metadata.name={reference.name}",
        )
        informer.add_handler(
            on_add=lambda obj: self._changed(reference),
            on_update=lambda old, new: self._changed(reference),
            on_delete=lambda obj: self._changed(reference),
        )
        watched = _Watched(informer)
        self._start(reference, watched)
        return watched

    def _changed(self, reference: Reference) -> None:
        for listener in self._listeners:
            listener(*reference)

    def _start(self, reference: Reference, watched: _Watched) -> None:
        if self._tasks is not None:
            watched.task = self._tasks.start(watched.informer.run(), name="watch " + "/".join(reference), crash=False)

    # -- reading

    async def config_map(self, namespace: str, name: str) -> dict[str, Any] | None:
        """The ConfigMap of a registered pod; None if it does not exist. Raises CacheError."""
        return await self._get(Reference("ConfigMap", namespace, name))

    async def secret(self, namespace: str, name: str) -> dict[str, Any] | None:
        """The Secret of a registered pod; None if it does not exist. Raises CacheError."""
        return await self._get(Reference("Secret", namespace, name))

    async def _get(self, reference: Reference) -> dict[str, Any] | None:
        watched = self._watched.get(reference)
        if watched is None:
            raise CacheError(f'object "{reference.namespace}"/"{reference.name}" not registered')
        try:
            async with asyncio.timeout(_SYNC_TIMEOUT):
                await watched.informer.wait_for_sync()
        except TimeoutError:
            raise CacheError(
                f"failed to sync {reference.kind.lower()} cache: timed out waiting for the condition"
            ) from None
        return watched.informer.get(f"{reference.namespace}/{reference.name}")

    async def wait_for(self, pod: Mapping[str, Any]) -> None:
        """Returns when everything the pod names was read at least once. Raises CacheError."""
        for reference in references(pod):
            await self._get(reference)

    def getter(self, kind: str, namespace: str) -> Callable[[str], dict[str, Any] | None]:
        """Looks up by name, at once: what `environment.make_environment` takes, after `wait_for`."""

        def get(name: str) -> dict[str, Any] | None:
            watched = self._watched.get(Reference(kind, namespace, name))
            return watched.informer.get(f"{namespace}/{name}") if watched else None

        return get

    def services(self) -> list[dict[str, Any]]:
        """Every Service of the cluster."""
        return self._services.list()

    async def wait_for_services(self) -> None:
        await self._services.wait_for_sync()

    # -- running

    async def run(self) -> None:
        """Watches until cancelled."""
        async with Tasks("kubelet objects") as tasks:
            self._tasks = tasks
            tasks.start(self._services.run(), name="services")
            for reference, watched in self._watched.items():
                self._start(reference, watched)
            try:
                while True:
                    await clock.sleep(_LINGER / 2)
                    self._drop_unused()
            finally:
                self._tasks = None

    def _drop_unused(self) -> None:
        oldest = clock.monotonic() - _LINGER
        for reference, watched in list(self._watched.items()):
            if not watched.users and watched.unused_since <= oldest:
                del self._watched[reference]
                if watched.task is not None:
                    watched.task.cancel()
