import asyncio

import pytest

from pynetes.client.ratelimiter import ExponentialFailures, RateLimiter, TokenBucket
from pynetes.client.workqueue import DelayingQueue, Queue, QueueShutDown, WorkQueue


async def test_keys_come_out_in_order_and_once():
    queue: Queue[str] = Queue()
    for key in "abab":
        queue.add(key)
    assert [await queue.get(), await queue.get()] == ["a", "b"]
    assert len(queue) == 0


async def test_a_key_in_work_is_not_given_to_a_second_worker():
    queue: Queue[str] = Queue()
    queue.add("a")
    assert await queue.get() == "a"
    queue.add("a")
    assert len(queue) == 0
    queue.done("a")
    assert len(queue) == 1
    assert await queue.get() == "a"


async def test_a_waiting_worker_wakes_up():
    queue: Queue[str] = Queue()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(queue.get())
        await asyncio.sleep(0)
        queue.add("a")
    assert waiting.result() == "a"


async def test_a_cancelled_worker_hands_its_wake_up_on():
    queue: Queue[str] = Queue()
    async with asyncio.TaskGroup() as group:
        first, second = group.create_task(queue.get()), group.create_task(queue.get())
        await asyncio.sleep(0)
        queue.add("a")
        first.cancel()
    assert second.result() == "a"


async def test_shut_down_hands_out_the_rest_and_ends():
    queue: Queue[str] = Queue()
    queue.add("a")
    queue.shut_down()
    queue.add("b")
    assert await queue.get() == "a"
    with pytest.raises(QueueShutDown):
        await queue.get()


async def test_shut_down_wakes_those_who_wait():
    queue: Queue[str] = Queue()

    async def wait() -> bool:
        try:
            await queue.get()
        except QueueShutDown:
            return True
        return False

    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(wait()) for _ in range(2)]
        await asyncio.sleep(0)
        queue.shut_down()
    assert all(task.result() for task in waiting)


def test_of_two_delays_the_shorter_counts(virtual):
    async def scenario() -> list[tuple[float, str]]:
        queue: DelayingQueue[str] = DelayingQueue()
        queue.add_after("a", 10)
        queue.add_after("b", 5)
        queue.add_after("a", 2)
        queue.add_after("b", 7)
        out = []
        for _ in range(2):
            key = await queue.get()
            queue.done(key)
            out.append((asyncio.get_running_loop().time(), key))
        await asyncio.sleep(20)
        assert len(queue) == 0
        return out

    assert virtual(scenario()) == [(2, "a"), (5, "b")]


def test_failures_wait_longer_each_time_until_forgotten(virtual):
    async def scenario() -> None:
        queue: WorkQueue[str] = WorkQueue()
        times = []
        for _ in range(4):
            queue.add_rate_limited("a")
            before = asyncio.get_running_loop().time()
            queue.done(await queue.get())
            times.append(round(asyncio.get_running_loop().time() - before, 3))
        assert times == [0.005, 0.01, 0.02, 0.04]
        assert queue.failures("a") == 4
        queue.forget("a")
        assert queue.failures("a") == 0

    virtual(scenario())


def test_an_items_wait_ends_at_1000_seconds():
    limiter: ExponentialFailures[str] = ExponentialFailures()
    waits = [limiter.when("a") for _ in range(200)]
    assert waits[:3] == [0.005, 0.01, 0.02]
    assert waits[-1] == 1000
    assert limiter.when("b") == 0.005


def test_the_bucket_refills_and_reserves_ahead(virtual):
    async def scenario() -> list[float]:
        bucket = TokenBucket(rate=10, burst=2)
        out = [bucket.reserve() for _ in range(4)]
        await asyncio.sleep(10)
        return [*out, bucket.reserve()]

    assert virtual(scenario()) == pytest.approx([0, 0, 0.1, 0.2, 0])


def test_the_longer_of_both_limits_counts(virtual):
    async def scenario() -> float:
        limiter: RateLimiter[str] = RateLimiter(bucket=TokenBucket(rate=1, burst=1))
        limiter.when("a")
        return limiter.when("b")

    assert virtual(scenario()) == pytest.approx(1)
