"""The scheduler's metrics, as dashboards read them."""

import random
import weakref
from typing import Any

import pytest

from pynetes.component import metrics
from pynetes.scheduler import measures
from pynetes.scheduler.algorithm import schedule
from pynetes.scheduler.cache import Cache
from pynetes.scheduler.framework import ClusterEvent
from pynetes.scheduler.plugins import default_profile
from pynetes.scheduler.podinfo import pod_info
from pynetes.scheduler.queue import SchedulingQueue


def _value(sample: str) -> float:
    lines = metrics.render().decode().splitlines()
    return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"{sample} ")), 0.0)


def _pod(name: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default", "uid": name}
    return {"metadata": metadata, "spec": {"containers": [{"name": "c"}], "schedulerName": "default-scheduler"}}


async def test_waiting_pods_are_counted_by_queue_and_by_what_rejected_them(monkeypatch: pytest.MonkeyPatch) -> None:
    published: weakref.WeakKeyDictionary[SchedulingQueue, Cache] = weakref.WeakKeyDictionary()
    monkeypatch.setattr(measures, "_published", published)  # other tests' end when they are collected
    queue, cache = SchedulingQueue({"NodeAffinity": frozenset()}), Cache()
    measures.publish(queue, cache)
    for name in ("a", "b"):
        queue.add(pod_info(_pod(name)))
    assert _value('scheduler_pending_pods{queue="active"}') == 2
    pod = await queue.pop()
    queue.failed(pod, {"NodeAffinity"})
    assert _value('scheduler_pending_pods{queue="unschedulable"}') == 1
    assert _value('scheduler_unschedulable_pods{plugin="NodeAffinity",profile="default-scheduler"}') == 1
    cache.put_node({"metadata": {"name": "n1"}, "status": {}})
    assert _value('scheduler_cache_size{type="nodes"}') == 1


def test_attempts_and_preemptions() -> None:
    attempts = 'scheduler_schedule_attempts_total{profile="measured",result="scheduled"}'
    measures.attempted("scheduled", "measured", 0.01)
    assert _value(attempts) == 1
    below = 'scheduler_scheduling_attempt_duration_seconds_bucket{le="0.016",profile="measured",result="scheduled"}'
    assert _value(below) == 1
    slow = _value('scheduler_pod_scheduling_sli_duration_seconds_count{attempts="16+"}')
    measures.scheduled(40, 3.0)
    assert _value('scheduler_pod_scheduling_sli_duration_seconds_count{attempts="16+"}') == slow + 1
    searched, evicted = _value("scheduler_preemption_attempts_total"), _value("scheduler_preemption_victims_sum")
    measures.preempted(None)
    measures.preempted(3)
    assert _value("scheduler_preemption_attempts_total") == searched + 2
    assert _value("scheduler_preemption_victims_sum") == evicted + 3


async def test_pods_are_counted_as_they_come_into_a_queue() -> None:
    def came(name: str, event: str) -> float:
        return _value(f'scheduler_queue_incoming_pods_total{{event="{event}",queue="{name}"}}')

    queue = SchedulingQueue({"NodeAffinity": frozenset({ClusterEvent.NODE_LABEL})})
    added, failed = came("active", "UnschedulablePodAdd"), came("unschedulable", "ScheduleAttemptFailure")
    labelled = came("backoff", "NodeUpdateLabel")
    queue.add(pod_info(_pod("c")))
    queue.failed(await queue.pop(), {"NodeAffinity"})
    queue.happened({ClusterEvent.NODE_LABEL})
    assert came("active", "UnschedulablePodAdd") == added + 1
    assert came("unschedulable", "ScheduleAttemptFailure") == failed + 1
    assert came("backoff", "NodeUpdateLabel") == labelled + 1


def test_extension_points_are_timed_by_how_they_end() -> None:
    def count(point: str, status: str) -> float:
        labels = f'extension_point="{point}",profile="default-scheduler",status="{status}"'
        return _value(f"scheduler_framework_extension_point_duration_seconds_count{{{labels}}}")

    cache, profile, choose = Cache(), default_profile(), random.Random(1)
    refused, filtered, scored = count("Filter", "Unschedulable"), count("Filter", "Success"), count("Score", "Success")
    schedule(cache.snapshot, pod_info(_pod("d")), profile, choose)
    for name in ("n1", "n2"):
        cache.put_node({"metadata": {"name": name}, "status": {"allocatable": {"pods": "9"}}})
    schedule(cache.snapshot, pod_info(_pod("d")), profile, choose)
    assert (count("Filter", "Unschedulable"), count("Filter", "Success")) == (refused + 1, filtered + 1)
    assert count("Score", "Success") == scored + 1
    for point, plugin in (("Filter", "NodeName"), ("Score", "NodeResourcesFit")):
        labels = f'extension_point="{point}",plugin="{plugin}",profile="default-scheduler"'
        assert _value(f"scheduler_plugin_evaluation_total{{{labels}}}") >= 1
