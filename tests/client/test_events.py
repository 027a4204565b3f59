import asyncio

import orjson
import pytest

from pynetes.apimachinery.errors import not_found
from pynetes.client.events import EventRecorder, object_reference
from pynetes.client.rest import Client
from pynetes.client.seriesevents import SeriesRecorder
from pynetes.client.transport import TransportError, TransportResponse
from pynetes.component.tasks import Tasks

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "ns", "uid": "u"}}
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "uid": "n"}}


class EventStore:
    """Keeps events as a server would; `fail` makes the next requests fail."""

    def __init__(self):
        self.events = {}
        self.fail = []

    async def request(self, request, *, timeout=None):
        if self.fail:
            raise self.fail.pop(0)
        sent = orjson.loads(request.body)
        if request.method == "POST":
            name = sent["metadata"]["name"]
            assert name not in self.events
            self.events[name] = sent
        else:
            name = request.path.rpartition("/")[2]
            if name not in self.events:
                return TransportResponse(404, {}, orjson.dumps(not_found("events", name).status()))
            self.events[name].update(sent)
        return TransportResponse(200, {}, orjson.dumps(self.events[name]))


def record(virtual, script, recorder_type=EventRecorder):
    """Runs `script(recorder, store)` on a virtual clock; the events written."""

    async def scenario():
        store = EventStore()
        recorder = recorder_type(Client(store), "test", "host")
        async with Tasks("test") as tasks:
            tasks.start(recorder.run(), name="events")
            await script(recorder, store)
            await recorder.flush()
        return list(store.events.values())

    return virtual(scenario())


def test_repeats_raise_the_count(virtual):
    async def script(recorder, store):
        for _ in range(3):
            recorder.event(POD, "Normal", "Pulled", "image is there")
        recorder.event(POD, "Normal", "Started", "started")

    first, second = record(virtual, script)
    assert (first["count"], first["reason"], first["message"]) == (3, "Pulled", "image is there")
    assert first["involvedObject"] == object_reference(POD)
    assert first["source"] == {"component": "test", "host": "host"}
    assert first["metadata"]["namespace"] == "ns"
    assert first["metadata"]["name"].startswith("a.")
    assert second["count"] == 1


def test_an_event_that_vanished_is_written_again_with_its_count(virtual):
    async def script(recorder, store):
        recorder.event(POD, "Normal", "Pulled", "x")
        await recorder.flush()
        store.events.clear()
        recorder.event(POD, "Normal", "Pulled", "x")

    (event,) = record(virtual, script)
    assert event["count"] == 2


def test_many_messages_of_one_reason_are_combined(virtual):
    async def script(recorder, store):
        for i in range(15):
            recorder.event(POD, "Warning", "Failed", f"try {i}")

    events = record(virtual, script)
    assert len(events) == 10
    assert events[-1]["message"] == "(combined from similar events): try 14"
    assert events[-1]["count"] == 6


def test_a_talkative_object_is_limited_and_others_are_not(virtual):
    async def script(recorder, store):
        for i in range(40):
            recorder.event(POD, "Normal", f"R{i}", "x")
        recorder.event(NODE, "Normal", "NodeReady", "x")

    events = record(virtual, script)
    assert len(events) == 26
    assert events[-1]["metadata"]["namespace"] == "default"


@pytest.mark.parametrize(("recorder_type", "more"), [(EventRecorder, {}), (SeriesRecorder, {"action": "Binding"})])
def test_a_lost_connection_is_retried(virtual, recorder_type, more):
    async def script(recorder, store):
        store.fail = [TransportError("reset"), TransportError("reset")]
        recorder.event(POD, "Normal", "Pulled", "x", **more)

    assert len(record(virtual, script, recorder_type)) == 1


def test_recording_never_blocks(virtual):
    async def scenario():
        recorder = EventRecorder(Client(EventStore()), "test")
        for i in range(2000):  # nobody writes
            recorder.event(POD, "Normal", "R", str(i))
        return len(recorder._queue)

    assert virtual(scenario()) == 1000


def test_a_series_counts_until_it_is_interrupted(virtual):
    async def script(recorder, store):
        for _ in range(3):
            recorder.event(POD, "Warning", "FailedScheduling", "0/1 nodes", action="Scheduling")
        await recorder.flush()
        await asyncio.sleep(400)
        recorder.event(POD, "Warning", "FailedScheduling", "0/1 nodes", action="Scheduling")

    first, second = record(virtual, script, SeriesRecorder)
    assert first["series"]["count"] == 3
    assert first["regarding"]["name"] == "a"
    assert "series" not in second
