"""What /metrics tells of work queues."""

import gc

from pynetes.client import queuemetrics
from pynetes.client.ratelimiter import RateLimiter
from pynetes.client.workqueue import WorkQueue
from pynetes.component import metrics


def _shown(queue: str) -> dict[str, float]:
    """The samples of one queue, by name and what tells them apart."""
    found = {}
    for line in metrics.render().decode().splitlines():
        if f'name="{queue}"' in line and not line.startswith("#"):
            sample, value = line.rsplit(" ", 1)
            found[sample.replace(f'name="{queue}"', "").replace(",}", "}").replace("{}", "")] = float(value)
    return found


async def test_a_queue_is_shown_while_it_lives_under_upstreams_names() -> None:
    queue: WorkQueue[str] = WorkQueue("shown", limiter=RateLimiter())
    queue.add("a")
    queue.add("a")
    queue.add("b")
    shown = _shown("shown")
    assert (shown["workqueue_depth"], shown["workqueue_adds_total"]) == (2, 2)
    assert shown["workqueue_longest_running_processor_seconds"] == 0
    key = await queue.get()
    assert _shown("shown")["workqueue_unfinished_work_seconds"] > 0
    queue.done(key)
    queue.add_rate_limited(key)
    shown = _shown("shown")
    assert shown["workqueue_retries_total"] == 1
    assert shown["workqueue_queue_duration_seconds_count"] == 1
    assert shown["workqueue_work_duration_seconds_count"] == 1
    assert shown['workqueue_work_duration_seconds_bucket{le="+Inf"}'] == 1
    queue.shut_down()
    del queue
    gc.collect()
    assert _shown("shown") == {}


async def test_queues_of_one_name_are_shown_together() -> None:
    first: WorkQueue[str] = WorkQueue("twice")
    second: WorkQueue[str] = WorkQueue("twice")
    first.add("a")
    second.add("a")
    assert _shown("twice")["workqueue_depth"] == 2
    first.shut_down()
    second.shut_down()


def test_buckets_count_what_is_below_them() -> None:
    durations = queuemetrics.Durations()
    for seconds in (1e-9, 1e-8, 2e-8, 0.5, 1000.0):
        durations.observe(seconds)
    buckets = dict(durations.buckets())
    assert buckets["1e-08"] == 2
    assert buckets["1e-07"] == 3
    assert buckets["1"] == 4
    assert buckets["+Inf"] == durations.count == 5
