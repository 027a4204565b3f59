"""Pod workers with a syncer that records what it is told."""

import asyncio

import pytest

from pynetes.component.tasks import Tasks
from pynetes.kubelet.pod_workers import Kill, PodWorkers, SyncFailed, SyncOutcome, effective_grace_period


class Syncer:
    def __init__(self):
        self.calls = []
        self.outcome = SyncOutcome()
        self.hold = {}
        self.called = asyncio.Condition()

    async def _note(self, *call):
        self.calls.append(call)
        async with self.called:
            self.called.notify_all()
        if gate := self.hold.get(call[0]):
            await gate.wait()

    async def sync_pod(self, pod):
        await self._note("sync", pod["metadata"]["name"])
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    async def sync_terminating_pod(self, pod, grace_period, status):
        await self._note("terminating", pod["metadata"]["name"], grace_period)

    async def sync_terminated_pod(self, pod):
        await self._note("terminated", pod["metadata"]["name"])

    async def sync_terminating_runtime_pod(self, uid):
        await self._note("orphan", uid)

    async def seen(self, count):
        async with asyncio.timeout(30), self.called:
            await self.called.wait_for(lambda: len(self.calls) >= count)
        return self.calls


def pod(name="p", phase="Pending", grace=30, **metadata):
    return {
        "metadata": {"name": name, "namespace": "d", "uid": f"uid-{name}", **metadata},
        "spec": {"containers": [], "terminationGracePeriodSeconds": grace},
        "status": {"phase": phase},
    }


def deleted(name="p", grace=30):
    return pod(name, deletionTimestamp="2024-01-01T00:00:00Z", deletionGracePeriodSeconds=grace)


@pytest.fixture
def syncer():
    return Syncer()


@pytest.fixture
async def workers(syncer):
    async with Tasks("test") as tasks:
        yield PodWorkers(tasks, syncer)


async def finished(workers, uid="uid-p"):
    async with asyncio.timeout(30):
        while not workers.is_finished(uid):  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_a_pod_is_synced_then_ended_then_cleaned_up(workers, syncer):
    workers.update(pod())
    await syncer.seen(1)
    assert workers.could_have_running_containers("uid-p")
    workers.update(deleted(grace=7))
    await finished(workers)
    assert syncer.calls == [("sync", "p"), ("terminating", "p", 7), ("terminated", "p")]
    assert not workers.could_have_running_containers("uid-p")
    assert workers.forget("uid-p")


async def test_updates_while_a_turn_runs_become_one_more_turn(workers, syncer):
    gate = syncer.hold["sync"] = asyncio.Event()
    workers.update(pod())
    await syncer.seen(1)
    for _ in range(5):
        workers.update(pod())
    gate.set()
    await syncer.seen(2)
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(syncer.calls) == 2


async def test_deletion_breaks_off_a_sync_that_takes_long(workers, syncer):
    syncer.hold["sync"] = asyncio.Event()
    workers.update(pod())
    await syncer.seen(1)
    workers.update(deleted())
    await finished(workers)
    assert [call[0] for call in syncer.calls] == ["sync", "terminating", "terminated"]


async def test_a_shorter_grace_period_starts_the_end_anew(workers, syncer):
    gate = syncer.hold["terminating"] = asyncio.Event()
    workers.update(deleted(grace=60))
    await syncer.seen(1)
    workers.update(deleted(grace=90))
    workers.update(deleted(grace=3))
    await syncer.seen(2)
    gate.set()
    await finished(workers)
    assert syncer.calls[:2] == [("terminating", "p", 60), ("terminating", "p", 3)]


async def test_a_pod_that_ends_by_itself_is_ended(workers, syncer):
    syncer.outcome = SyncOutcome(terminal=True)
    workers.update(pod(grace=9))
    await finished(workers)
    assert syncer.calls == [("sync", "p"), ("terminating", "p", 9), ("terminated", "p")]


async def test_a_pod_that_has_ended_long_ago_is_not_started(workers, syncer):
    workers.update(pod(phase="Succeeded"))
    await finished(workers)
    assert [call[0] for call in syncer.calls] == ["terminating", "terminated"]


async def test_failed_turns_are_tried_again(workers, syncer):
    syncer.outcome = SyncFailed("not yet", 0.01)
    workers.update(pod())
    await syncer.seen(3)
    assert {call[0] for call in syncer.calls} == {"sync"}


async def test_eviction_waits_for_the_pods_end(workers, syncer):
    workers.update(pod())
    await syncer.seen(1)
    await workers.kill_and_wait(pod(), Kill(grace_period=1, evict=True))
    assert ("terminating", "p", 1) in syncer.calls
    assert not workers.could_have_running_containers("uid-p")


async def test_what_runs_without_an_object_is_ended(workers, syncer):
    workers.kill_runtime_pod("lost", "lost")
    await finished(workers, "lost")
    assert syncer.calls == [("orphan", "lost")]


async def test_a_static_pods_successor_waits_for_its_end(workers, syncer, monkeypatch):
    monkeypatch.setattr("pynetes.kubelet.pod_workers._WAIT_FOR_NAMESAKE", 0.01)
    static = {"annotations": {"kubernetes.io/config.source": "file"}}
    old, new = pod(**static), pod(**static)
    new["metadata"]["uid"] = "uid-new"
    gate = syncer.hold["terminating"] = asyncio.Event()
    workers.update(old)
    await syncer.seen(1)
    workers.update(old, Kill())
    workers.update(new)
    await syncer.seen(2)
    await asyncio.sleep(0.05)
    assert [call[0] for call in syncer.calls] == ["sync", "terminating"]
    gate.set()
    await syncer.seen(4)
    assert [call[0] for call in syncer.calls] == ["sync", "terminating", "terminated", "sync"]


def test_before_the_sources_spoke_anything_may_run(syncer):
    workers = PodWorkers(Tasks("test"), syncer)
    assert workers.could_have_running_containers("unknown")
    workers.synced = True
    assert not workers.could_have_running_containers("unknown")


@pytest.mark.parametrize(
    ("pod", "current", "override", "expected"),
    [
        (pod(grace=30), None, None, 30),
        (deleted(grace=5), None, None, 5),
        (deleted(grace=5), 3, None, 3),
        (deleted(grace=5), None, 2, 2),
        (deleted(grace=5), None, 10, 5),
        (deleted(grace=0), None, None, 1),
        (pod(grace=0), None, None, 1),
    ],
)
def test_grace_periods_only_shrink(pod, current, override, expected):
    assert effective_grace_period(pod, current, override) == expected
