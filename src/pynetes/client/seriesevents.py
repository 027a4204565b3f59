"""Events in the events.k8s.io style: a repeat becomes a `series`; the scheduler's own recorder upstream.

Stored as the same objects as core/v1 events; `kubectl get events` shows both. The reference, `action` and reporting
controller take the places of involvedObject and source.
"""

import socket
from typing import Any

from msgspec import Struct

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apimachinery.times import format_micro_time
from pynetes.client.eventcorrelator import LRU
from pynetes.client.eventqueue import MAX_MESSAGE, EventQueue, Write
from pynetes.client.events import object_reference
from pynetes.client.rest import Client
from pynetes.component import clock

EVENTS_V1 = GroupVersionResource("events.k8s.io", "v1", "events")
SERIES_SECONDS = 360.0
"""A repeat later than this after the last one is a new event."""

Object = dict[str, Any]


class _Series(Struct):
    name: str
    count: int
    last: float


class SeriesRecorder:
    """Records events with an action. The owner runs `run()` as one of its tasks."""

    def __init__(self, client: Client, controller: str, instance: str = "") -> None:
        """`instance` tells processes of one controller apart; by default by their host."""
        self._client = client
        self._controller = controller
        self._instance = instance or f"{controller}-{socket.gethostname()}"
        self._series: LRU[_Series] = LRU()
        self._queue = EventQueue(self._prepare)

    def event(
        self, obj: Object, type: str, reason: str, message: str, *, action: str, related: Object | None = None
    ) -> None:
        """Notes an event about `obj`; `action` says what was tried ("Scheduling"). Never blocks."""
        regarding = object_reference(obj)
        event: Object = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {
                "name": f"{regarding['name']}.{int(self._queue.moment() * 1e9):x}",
                "namespace": regarding.get("namespace") or "default",
            },
            "eventTime": format_micro_time(clock.now()),
            "reportingController": self._controller,
            "reportingInstance": self._instance,
            "action": action,
            "reason": reason,
            "regarding": regarding,
            "note": message[:MAX_MESSAGE],
            "type": type,
        }
        if related is not None:
            event["related"] = object_reference(related)
        self._queue.put(event)

    async def run(self) -> None:
        """Writes what was noted, in order, until cancelled."""
        await self._queue.run()

    async def flush(self) -> None:
        """Waits until all that was noted is written (or dropped)."""
        await self._queue.flush()

    def _prepare(self, event: Object) -> Write:
        regarding = event["regarding"]
        key = tuple(event.get(part) for part in ("action", "reason", "type", "note")) + tuple(
            regarding.get(part) for part in ("kind", "namespace", "name", "uid")
        )
        now = clock.monotonic()
        known = self._series.get(key)
        if known is not None and now - known.last <= SERIES_SECONDS:
            known.count += 1
            known.last = now
        else:
            known = None

        async def write() -> None:
            namespace = event["metadata"]["namespace"]
            if known is not None:
                patch = {"series": {"count": known.count, "lastObservedTime": event["eventTime"]}}
                try:
                    await self._client.patch(EVENTS_V1, known.name, patch, namespace, type="strategic")
                    return
                except StatusError as error:
                    if error.code != 404:
                        raise
            await self._client.create(EVENTS_V1, event, namespace)
            self._series.put(key, _Series(event["metadata"]["name"], 1, now))

        return write
