"""Informers of the types that some quota counts, started when the first one does: most clusters count nothing."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apis.core.quota.usage import EVALUATORS
from pynetes.client.discovery import discover
from pynetes.client.informer import Informer, InformerFactory
from pynetes.client.rest import Client
from pynetes.component.tasks import Tasks

log = logging.getLogger(__name__)

Object = dict[str, Any]

#: Those that are measured need whole objects, the others are only counted.
_MEASURED = ("pods", "services", "persistentvolumeclaims", "resourceclaims.resource.k8s.io")
_SYNC_TIMEOUT = 30.0

Changed = Callable[[str, Object | None, Object], None]
"""Called with the resource, the object as it was (None for one that comes or goes) and as it is (or was last)."""


class CountedTypes:
    """`changed` is told of objects that go or change, `came` of those that come."""

    def __init__(self, client: Client, shared: InformerFactory, tasks: Tasks, changed: Changed, came: Changed) -> None:
        self._client = client
        self._shared = shared
        self._tasks = tasks
        self._changed = changed
        self._came = came
        self._informers: dict[str, Informer] = {}
        self._running: dict[str, asyncio.Task[None | None]] = {}

    async def objects(self, resource: str, namespace: str) -> list[Object] | None:
        """The namespace's objects of a type; None for one that is not served."""
        informer = self._informers.get(resource)
        if informer is None:
            gvr = await self._served(resource)
            if gvr is None:
                return None
            informer = self._informers.get(resource) or self._start(resource, gvr)
        async with asyncio.timeout(_SYNC_TIMEOUT):
            await informer.wait_for_sync()
        return list(informer.list(namespace))

    def forget(self, resource: str) -> None:
        """For a type that is no longer served."""
        task = self._running.pop(resource, None)
        if task is not None:
            self._informers.pop(resource, None)
            task.cancel()

    async def _served(self, resource: str) -> GroupVersionResource | None:
        for each in (await discover(self._client)).preferred("list", "watch"):
            if each.namespaced and each.gvr.group_resource == resource:
                return each.gvr
        return None

    def _start(self, resource: str, gvr: GroupVersionResource) -> Informer:
        informer = self._shared.existing(gvr)
        if informer is None:
            whole = resource in _MEASURED
            informer = Informer(self._client, gvr, metadata_only=not whole)
            self._running[resource] = self._tasks.start(informer.run(), name=f"informer {gvr}")
            log.info("%s are counted", resource)
        informer.add_handler(
            lambda obj: self._came(resource, None, obj),
            (lambda old, new: self._changed(resource, old, new)) if resource in EVALUATORS else None,
            lambda obj: self._changed(resource, None, obj),
        )
        self._informers[resource] = informer
        return informer
