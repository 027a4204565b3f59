"""Who is next, and when a pod that did not fit is tried again."""

import asyncio

import pytest

from pynetes.scheduler.framework import ClusterEvent
from pynetes.scheduler.podinfo import PodInfo, pod_info
from pynetes.scheduler.queue import SchedulingQueue
from tests.scheduler import pod

FIT = frozenset((ClusterEvent.NODE_ADD, ClusterEvent.POD_DELETE))


def info(name: str, priority: int = 0) -> PodInfo:
    return pod_info(pod(name, priority=priority))


def queue(initial: float = 0.01) -> SchedulingQueue:
    return SchedulingQueue({"Fit": FIT}, initial_backoff=initial, max_backoff=8 * initial)


async def popped(waiting: SchedulingQueue) -> str:
    async with asyncio.timeout(30):
        return (await waiting.pop()).info.key.split("/")[1]


async def test_higher_priority_first_and_first_come_among_equals() -> None:
    waiting = queue()
    for one in (info("a"), info("b", 10), info("c"), info("d", 10)):
        waiting.add(one)
    assert [await popped(waiting) for _ in range(4)] == ["b", "d", "a", "c"]


async def test_pop_waits_for_a_pod() -> None:
    waiting = queue()
    async with asyncio.TaskGroup() as tasks:
        taker = tasks.create_task(popped(waiting))
        await asyncio.sleep(0)
        waiting.add(info("late"))
    assert taker.result() == "late"


async def test_an_event_that_may_help_brings_a_pod_back_after_its_backoff() -> None:
    waiting = queue()
    waiting.add(info("a"))
    pod = await waiting.pop()
    waiting.failed(pod, ["Fit"])
    assert waiting.counts()["unschedulable"] == 1
    waiting.happened({ClusterEvent.NODE_LABEL})
    assert waiting.counts()["unschedulable"] == 1
    waiting.happened({ClusterEvent.POD_DELETE})
    assert waiting.counts()["backoff"] == 1
    assert await popped(waiting) == "a"


async def test_an_event_during_the_cycle_is_not_missed() -> None:
    waiting = queue()
    waiting.add(info("a"))
    pod = await waiting.pop()
    waiting.happened({ClusterEvent.NODE_ADD})
    waiting.failed(pod, ["Fit"])
    assert await popped(waiting) == "a"


async def test_backoff_doubles_to_its_bound() -> None:
    waiting = queue(initial=100)
    waiting.add(info("a"))
    pod = await waiting.pop()
    delays = []
    for attempt in range(1, 6):
        pod.attempts = attempt
        delays.append(waiting._backoff_of(pod))
    assert delays == [100, 200, 400, 800, 800]


async def test_a_pod_deleted_in_its_cycle_does_not_come_back() -> None:
    waiting = queue()
    waiting.add(info("a"))
    pod = await waiting.pop()
    waiting.delete(pod.info.uid)
    waiting.failed(pod, [])
    assert len(waiting) == 0


async def test_a_gated_pod_waits_for_its_own_update() -> None:
    gates = {"a": "closed"}
    waiting = SchedulingQueue({"Fit": FIT}, gate=lambda p: gates.get(p.pod["metadata"]["name"], ""))
    gated = info("a")
    waiting.add(gated)
    waiting.happened({ClusterEvent.NODE_ADD})
    assert waiting.counts()["gated"] == 1
    gates.clear()
    waiting.update(gated, scheduling_changed=True)
    assert await popped(waiting) == "a"


@pytest.mark.parametrize("changed", [True, False])
async def test_an_update_that_matters_is_tried_at_once(changed: bool) -> None:
    waiting = queue(initial=1000)
    one = info("a")
    waiting.add(one)
    waiting.failed(await waiting.pop(), ["Fit"])
    waiting.update(one, scheduling_changed=changed)
    assert waiting.counts()["active"] == (1 if changed else 0)
