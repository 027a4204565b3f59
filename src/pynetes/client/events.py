"""Events: what a component tells users about an object, written beside its work and never in its way.

`EventRecorder.event` only puts a note on a bounded queue; `run`, a task of the component, writes. Repeats raise the
count of the event already there.
"""

from typing import Any

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionKind, GroupVersionResource
from pynetes.apimachinery.times import format_time
from pynetes.client.eventcorrelator import Decision, EventCorrelator
from pynetes.client.eventqueue import MAX_MESSAGE, EventQueue, Write
from pynetes.client.rest import Client
from pynetes.component import clock

EVENTS = GroupVersionResource("", "v1", "events")
NORMAL, WARNING = "Normal", "Warning"

Object = dict[str, Any]


def object_reference(obj: Object) -> Object:
    """The reference by which an event names its object; a reference given instead of an object stays as it is."""
    if "metadata" not in obj:
        return dict(obj)
    meta = obj["metadata"]
    gvk = GroupVersionKind.of(obj)
    reference = {
        "kind": gvk.kind,
        "namespace": meta.get("namespace"),
        "name": meta["name"],
        "uid": meta.get("uid"),
        "apiVersion": gvk.api_version,
        "resourceVersion": meta.get("resourceVersion"),
    }
    return {key: value for key, value in reference.items() if value}


def build_event(
    reference: Object, type: str, reason: str, message: str, *, component: str, host: str, at: float, stamp: str
) -> Object:
    """A core/v1 Event as client-go's recorder makes it; `at` (seconds) names it, `stamp` dates it."""
    namespace = reference.get("namespace") or "default"
    source = {"component": component, **({"host": host} if host else {})}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{reference['name']}.{int(at * 1e9):x}", "namespace": namespace},
        "involvedObject": reference,
        "reason": reason,
        "message": message[:MAX_MESSAGE],
        "source": source,
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "count": 1,
        "type": type,
        "eventTime": None,
        "reportingComponent": component,
        "reportingInstance": host,
    }


class EventRecorder:
    """Records events as `component` (on `host`). The owner runs `run()` as one of its tasks."""

    def __init__(self, client: Client, component: str, host: str = "") -> None:
        self._client = client
        self._component = component
        self._host = host
        self._correlator = EventCorrelator()
        self._queue = EventQueue(self._prepare)

    def event(self, obj: Object, type: str, reason: str, message: str) -> None:
        """Notes an event about `obj` (an object or a reference). Never blocks; drops when far behind."""
        event = build_event(
            object_reference(obj),
            type,
            reason,
            message,
            component=self._component,
            host=self._host,
            at=self._queue.moment(),
            stamp=format_time(clock.now()),
        )
        self._queue.put(event)

    async def run(self) -> None:
        """Writes what was noted, in order, until cancelled."""
        await self._queue.run()

    async def flush(self) -> None:
        """Waits until all that was noted is written (or dropped)."""
        await self._queue.flush()

    def _prepare(self, event: Object) -> Write | None:
        decision = self._correlator.decide(event)
        if decision is None:
            return None
        event["message"] = decision.message

        async def write() -> None:
            self._correlator.written(decision, await self._write(event, decision))

        return write

    async def _write(self, event: Object, decision: Decision) -> Object:
        """Counts the known event up, or creates a new one."""
        namespace = event["metadata"]["namespace"]
        known = decision.known
        if known is not None:
            patch = {
                "count": known.count + 1,
                "lastTimestamp": event["lastTimestamp"],
                "message": event["message"],
            }
            try:
                return await self._client.patch(EVENTS, known.name, patch, known.namespace, type="strategic")
            except StatusError as error:
                if error.code != 404:
                    raise
                event["count"] = known.count + 1
                event["firstTimestamp"] = known.first_timestamp
        return await self._client.create(EVENTS, event, namespace)
