"""A level's seats and queues: who waits, who is next, who is turned away."""

import asyncio
from collections import Counter

import pytest

from pynetes.apiserver.flowcontrol.queueset import QueueSet, Queuing, Rejected, Seat, deal

QUEUES = Queuing(queues=8, hand=2, length=4)


def take(queues: QueueSet, flow: str = "f", seats: int = 1) -> Seat:
    seat = queues.try_now(flow, seats, 0.0)
    assert seat is not None
    return seat


def test_spec_to_queuing() -> None:
    assert Queuing.of({"type": "Exempt"}) == Queuing()
    assert Queuing.of({"limited": {"limitResponse": {"type": "Reject"}}}) == Queuing()
    assert Queuing.of({"limited": {"limitResponse": {"type": "Queue"}}}) == Queuing(64, 8, 50)


def test_without_queues_there_are_seats_or_a_rejection() -> None:
    queues = QueueSet(Queuing(), 2)
    first = take(queues)
    take(queues)
    with pytest.raises(Rejected, match="concurrency-limit"):
        queues.try_now("f", 1, 0.0)
    queues.release(first, 1.0)
    take(queues)


def test_a_request_wider_than_the_level_runs_alone() -> None:
    queues = QueueSet(QUEUES, 3)
    wide = take(queues, seats=10)
    assert queues.try_now("f", 1, 0.0) is None
    queues.release(wide, 1.0)
    take(queues)
    assert queues.try_now("f", 10, 0.0) is None


async def test_those_that_wait_in_a_queue_are_served_in_order() -> None:
    queues = QueueSet(Queuing(queues=8, hand=1, length=4), 1)
    running = take(queues)
    assert queues.try_now("f", 1, 0.0) is None
    order: list[int] = []

    async def request(number: int) -> None:
        seat = await queues.wait("f", 1, 60.0)
        order.append(number)
        queues.release(seat, seat.started)

    waiting = [asyncio.ensure_future(request(number)) for number in range(3)]
    await asyncio.sleep(0)
    assert (queues.waiting, queues.seats_in_use) == (3, 1)
    queues.release(running, 1.0)
    await asyncio.gather(*waiting)
    assert order == [0, 1, 2]
    assert (queues.waiting, queues.seats_in_use, queues.executing) == (0, 0, 0)


async def test_a_full_queue_turns_away_and_time_runs_out() -> None:
    queues = QueueSet(Queuing(queues=1, hand=1, length=1), 1)
    take(queues)
    waiting = asyncio.ensure_future(queues.wait("f", 1, 0.01))
    await asyncio.sleep(0)
    with pytest.raises(Rejected, match="queue-full"):
        await queues.wait("g", 1, 60.0)
    with pytest.raises(Rejected, match="time-out"):
        await waiting
    assert queues.waiting == 0


async def test_a_request_that_goes_away_gives_its_place_back() -> None:
    queues = QueueSet(QUEUES, 1)
    running = take(queues)
    waiting = asyncio.ensure_future(queues.wait("f", 1, 60.0))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert queues.waiting == 0
    chosen = asyncio.ensure_future(queues.wait("f", 1, 60.0))
    await asyncio.sleep(0)
    queues.release(running, 1.0)  # its turn has come, but it does not know yet
    chosen.cancel()
    await asyncio.gather(chosen, return_exceptions=True)
    assert (queues.waiting, queues.seats_in_use, queues.executing) == (0, 0, 0)


async def test_a_flow_that_floods_does_not_hold_up_others() -> None:
    queues = QueueSet(Queuing(queues=64, hand=4, length=50), 2)
    served: list[str] = []
    running = [take(queues, "flood") for _ in range(2)]

    async def request(flow: str) -> None:
        seat = await queues.wait(flow, 1, 60.0)
        served.append(flow)
        await asyncio.sleep(0.001)
        queues.release(seat, seat.started + 0.1)

    waiting = [asyncio.ensure_future(request("flood")) for _ in range(100)]
    await asyncio.sleep(0)
    waiting += [asyncio.ensure_future(request("quiet")) for _ in range(3)]
    await asyncio.sleep(0)
    for seat in running:
        queues.release(seat, 0.1)
    await asyncio.gather(*waiting)
    assert max(index for index, flow in enumerate(served) if flow == "quiet") < 20


async def test_flows_that_share_get_the_same() -> None:
    """Two flows in two queues, one with requests twice as long: seat-seconds are what is shared."""
    queues = QueueSet(Queuing(queues=2, hand=1, length=1000), 1)
    flows = ["a", next(name for name in "bcdefgh" if deal(name, 2, 1) != deal("a", 2, 1))]
    served: Counter[str] = Counter()
    running = take(queues, "other")

    async def request(flow: str, seconds: float) -> None:
        seat = await queues.wait(flow, 1, 60.0)
        if sum(served.values()) < 60:
            served[flow] += 1
        queues.release(seat, seat.started + seconds)

    waiting = [asyncio.ensure_future(request(flows[0], 0.2)) for _ in range(80)]
    waiting += [asyncio.ensure_future(request(flows[1], 0.1)) for _ in range(80)]
    await asyncio.sleep(0)
    queues.release(running, 0.0)
    await asyncio.gather(*waiting)
    assert served[flows[0]] in (19, 20, 21)
    assert served[flows[1]] in (39, 40, 41)


def test_hands_are_the_same_for_a_flow_and_differ_between_flows() -> None:
    assert deal("alice", 64, 6) == deal("alice", 64, 6)
    hands = {tuple(sorted(deal(f"user-{number}", 64, 6))) for number in range(200)}
    assert len(hands) == 200
    assert all(len(set(hand)) == 6 for hand in hands)
    assert set(deal("x", 3, 8)) == {0, 1, 2}


async def test_levels_share_the_loop_by_their_seats_and_not_by_their_clients() -> None:
    """Requests that wait for nothing run one after the other: a full level has room again at the loop's next turn."""
    served = {"elephant": 0, "mouse": 0}

    async def ask(who: str, level: QueueSet) -> None:
        while sum(served.values()) < 300:
            seat = level.try_now(who, 1, 0.0) or await level.wait(who, 1, 60.0)
            served[who] += 1
            level.leave(seat, 0.0)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for who, clients in (("elephant", 51), ("mouse", 3)):
            level = QueueSet(Queuing(8, 1, 60), 1)
            for _ in range(clients):
                group.create_task(ask(who, level))
    assert 0.5 < served["elephant"] / served["mouse"] < 2
