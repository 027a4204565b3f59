import asyncio

import pytest

from pynetes.component.tasks import Tasks
from pynetes.kubelet.cri.events import RuntimeEvent
from pynetes.kubelet.pleg import PLEG, changed_pods
from pynetes.kubelet.runtime.inspect import RuntimePod
from pynetes.kubelet.runtime.pod_status import ContainerStatus, PodStatus, SandboxStatus, State


class Inspector:
    def __init__(self):
        self.state = State.RUNNING
        self.reads = 0

    async def list_pods(self):
        return {"u": RuntimePod("u", "p", "d", {"s": True}, {"c": self.state})}

    async def pod_status(self, uid):
        self.reads += 1
        ready = self.state is State.RUNNING
        sandbox = SandboxStatus("s", ready)
        ips = ["10.0.0.1"] if ready else []
        return PodStatus(uid, "p", "d", ips, [sandbox], [ContainerStatus("c", "main", self.state)])


@pytest.fixture
def inspector():
    return Inspector()


def test_lists_are_compared_by_what_they_hold():
    one, two = RuntimePod("a", "a", "d", {"s": True}), RuntimePod("b", "b", "d", {}, {"c": State.RUNNING})
    ended = RuntimePod("b", "b", "d", {}, {"c": State.EXITED})
    assert changed_pods({"a": one}, {"a": one, "b": two}) == {"b"}
    assert changed_pods({"a": one, "b": two}, {"a": one, "b": ended}) == {"b"}
    assert changed_pods({"a": one}, {}) == {"a"}


async def test_status_is_read_once_until_something_happened(inspector):
    pleg = PLEG(inspector, None, lambda uid: None)
    await asyncio.gather(pleg.status("u"), pleg.status("u"))
    assert inspector.reads == 1
    pleg.invalidate("u")
    await pleg.status("u")
    assert inspector.reads == 2


async def test_an_ended_pod_keeps_its_address(inspector):
    pleg = PLEG(inspector, None, lambda uid: None)
    await pleg.status("u")
    inspector.state = State.EXITED
    pleg.invalidate("u")
    assert (await pleg.status("u")).ips == ["10.0.0.1"]


async def test_relisting_finds_what_no_event_told(inspector):
    changes = []
    pleg = PLEG(inspector, None, changes.append)
    await pleg.relist()
    inspector.state = State.EXITED
    await pleg.relist()
    await pleg.relist()
    assert changes == ["u", "u"]


async def test_an_event_is_heard_once_the_runtime_shows_it(inspector):
    events, heard = asyncio.Queue(), asyncio.Queue()

    async def stream():
        while True:
            yield await events.get()

    pleg = PLEG(inspector, stream, heard.put_nowait, relist_period=60)
    async with Tasks("test") as tasks:
        tasks.start(pleg.run(), name="pleg")
        assert await heard.get() == "u"
        events.put_nowait(RuntimeEvent("exit", "c"))
        events.put_nowait(RuntimeEvent("delete", "c"))
        # The event comes first; the status follows a moment later.
        while not inspector.reads:  # noqa: ASYNC110
            await asyncio.sleep(0)
        inspector.state = State.EXITED
        async with asyncio.timeout(30):
            assert await heard.get() == "u"
        assert (await pleg.status("u")).containers[0].state is State.EXITED


async def test_a_runtime_without_events_is_listed_more_often(inspector):
    pleg = PLEG(inspector, None, lambda uid: None, relist_period=0.01)
    async with Tasks("test") as tasks:
        tasks.start(pleg.run(), name="pleg")
        async with asyncio.timeout(30):
            while "u" not in pleg.runtime_pods:  # noqa: ASYNC110
                await asyncio.sleep(0)
        assert pleg.healthy()


async def test_a_container_that_nobody_has_read_of_yet_is_followed_to_its_end(inspector):
    events, heard = asyncio.Queue(), asyncio.Queue()
    listed = inspector.list_pods

    async def stream():
        while True:
            yield await events.get()

    async def empty():
        return {}

    inspector.list_pods = empty
    pleg = PLEG(inspector, stream, heard.put_nowait, relist_period=60)
    async with Tasks("test") as tasks:
        tasks.start(pleg.run(), name="pleg")
        while not pleg.last_relist:  # noqa: ASYNC110
            await asyncio.sleep(0)
        inspector.list_pods = listed
        events.put_nowait(RuntimeEvent("delete", "c"))
        async with asyncio.timeout(30):
            # The list shows it running still: that alone must not be the last word.
            assert await heard.get() == "u"
            inspector.state = State.EXITED
            assert await heard.get() == "u"
            while (await pleg.status("u")).containers[0].state is not State.EXITED:
                assert await heard.get() == "u"
