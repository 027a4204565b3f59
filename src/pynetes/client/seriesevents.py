"""Events in the events.k8s.io style: a repeat becomes a `series`; the scheduler's own recorder upstream.

Stored as the same objects as core/v1 events; `kubectl get events` shows both. The reference, `action` and reporting
controller take the places of involvedObject and source.
"""

import asyncio
import logging
from typing import Any

from msgspec import Struct

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apimachinery.times import format_micro_time
from pynetes.client.eventcorrelator import LRU
from pynetes.client.events import MAX_QUEUED, object_reference
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component import clock

log = logging.getLogger(__name__)

EVENTS_V1 = GroupVersionResource("events.k8s.io", "v1", "events")
SERIES_SECONDS = 360.0
"""A repeat later than this after the last one is a new event."""

Object = dict[str, Any]


class _Series(Struct):
    name: str
    namespace: str
    count: int
    last: float


class SeriesRecorder:
    """Records events with an action. The owner runs `run()` as one of its tasks."""

    def __init__(self, client: Client, controller: str, instance: str = "") -> None:
        self._client = client
        self._controller = controller
        self._instance = instance or controller
        self._queue: asyncio.Queue[Object] = asyncio.Queue(MAX_QUEUED)
        self._series: LRU[_Series] = LRU()
        self._last_stamp = 0.0

    def event(
        self, obj: Object, type: str, reason: str, message: str, *, action: str, related: Object | None = None
    ) -> None:
        """Notes an event about `obj`; `action` says what was tried ("Scheduling"). Never blocks."""
        regarding = object_reference(obj)
        at = max(clock.time_seconds(), self._last_stamp + 1e-6)
        self._last_stamp = at
        event: Object = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {
                "name": f"{regarding['name']}.{int(at * 1e9):x}",
                "namespace": regarding.get("namespace") or "default",
            },
            "eventTime": format_micro_time(clock.now()),
            "reportingController": self._controller,
            "reportingInstance": self._instance,
            "action": action,
            "reason": reason,
            "regarding": regarding,
            "note": message[:1024],
            "type": type,
        }
        if related is not None:
            event["related"] = object_reference(related)
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            log.error("event queue is full: dropped %s: %s", reason, message)

    async def run(self) -> None:
        """Writes what was noted, in order, until cancelled."""
        while True:
            event = await self._queue.get()
            try:
                await self._record(event)
            except StatusError as error:
                level = logging.DEBUG if error.code in (403, 404, 409) else logging.ERROR
                log.log(level, "event %s was refused: %s", event["reason"], error)
            except TransportError as error:
                log.warning("event %s was not written: %s", event["reason"], error)
            except Exception:
                log.exception("could not record event %s", event["reason"])
            finally:
                self._queue.task_done()

    async def flush(self) -> None:
        """Waits until all that was noted is written (or dropped)."""
        await self._queue.join()

    async def _record(self, event: Object) -> None:
        regarding = event["regarding"]
        key = tuple(event.get(part) for part in ("action", "reason", "type", "note")) + tuple(
            regarding.get(part) for part in ("kind", "namespace", "name", "uid")
        )
        now = clock.monotonic()
        series = self._series.get(key)
        if series is not None and now - series.last <= SERIES_SECONDS:
            series.count += 1
            series.last = now
            patch = {"series": {"count": series.count, "lastObservedTime": event["eventTime"]}}
            try:
                await self._client.patch(EVENTS_V1, series.name, patch, series.namespace, type="strategic")
                return
            except StatusError as error:
                if error.code != 404:
                    raise
        namespace = event["metadata"]["namespace"]
        await self._client.create(EVENTS_V1, event, namespace)
        self._series.put(key, _Series(event["metadata"]["name"], namespace, 1, now))
