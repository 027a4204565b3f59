"""Following every type that can be listed, watched and deleted, types that come and go included."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from pynetes.apis.names import EVENTS, EVENTS_V1
from pynetes.client.discovery import APIResource, Discovered
from pynetes.client.informer import Informer, InformerFactory
from pynetes.client.rest import Client
from pynetes.component.tasks import Tasks

log = logging.getLogger(__name__)

Object = dict[str, Any]

IGNORED = frozenset((EVENTS.group_resource, EVENTS_V1.group_resource))
"""Events come in masses and own nothing."""

Seen = Callable[[APIResource, Object], None]


class Monitors:
    """One informer a type: the manager's own where it has one, else one of metadata only."""

    def __init__(self, client: Client, shared: InformerFactory, tasks: Tasks, seen: Seen, gone: Seen) -> None:
        self._client = client
        self._shared = shared
        self._tasks = tasks
        self._seen = seen
        self._gone = gone
        self._informers: dict[APIResource, Informer] = {}
        self._running: dict[APIResource, asyncio.Task[None | None]] = {}

    @property
    def resources(self) -> list[APIResource]:
        return list(self._informers)

    def update(self, discovered: Discovered) -> None:
        """Starts what is new, ends what is no longer served (unless its server just did not answer)."""
        wanted = {
            resource
            for resource in discovered.preferred("list", "watch", "delete")
            if resource.gvr.group_resource not in IGNORED
        }
        for resource in [r for r in self._informers if r not in wanted]:
            if resource.gvr.api_version not in discovered.stale:
                self._stop(resource)
        for resource in wanted - self._informers.keys():
            self._start(resource)

    def _start(self, resource: APIResource) -> None:
        informer = self._shared.existing(resource.gvr)
        if informer is None:
            informer = Informer(self._client, resource.gvr, metadata_only=True)
            self._running[resource] = self._tasks.start(informer.run(), name=f"informer {resource.gvr}")
        informer.add_handler(
            lambda obj: self._seen(resource, obj),
            lambda old, new: self._seen(resource, new),
            lambda obj: self._gone(resource, obj),
        )
        self._informers[resource] = informer

    def _stop(self, resource: APIResource) -> None:
        """The type's objects are gone with it."""
        informer = self._informers.pop(resource)
        task = self._running.pop(resource, None)
        if task is None:
            return
        task.cancel()
        log.info("%s is no longer served", resource.gvr)
        for obj in informer.list():
            self._gone(resource, obj)

    async def wait_for_sync(self, timeout: float) -> None:
        """Waits for all first lists, but not longer than `timeout`: one broken type must not stop the rest."""
        try:
            async with asyncio.timeout(timeout):
                for informer in list(self._informers.values()):
                    await informer.wait_for_sync()
        except TimeoutError:
            behind = [str(r.gvr) for r, informer in self._informers.items() if not informer.has_synced]
            log.warning("garbage collector: not synced yet, going on without: %s", ", ".join(behind))
