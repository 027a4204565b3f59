"""The seats of one priority level, and the queues of those that wait for them.

A flow is dealt a hand of queues by its hash (shuffle sharding) and waits in the emptiest of them: flows that flood fill
their own hands, and others seldom share a whole hand with them. Queues are served by start-time fair queuing: a queue's
virtual time moves on by the seat-seconds that its requests took, and the one that is furthest behind is next.
"""

import asyncio
import hashlib
from collections import deque
from typing import Any

from msgspec import Struct

from pynetes.apiserver.flowcontrol.allocation import Demand
from pynetes.component import clock

Object = dict[str, Any]

#: What a request is thought to take, in seconds, until it has ended.
_GUESS = 0.003
#: Flows whose hands are remembered.
_MOST_HANDS = 4096


class Rejected(Exception):
    """There is no room; the message is the reason as metrics name it: queue-full, concurrency-limit or time-out."""


class Queuing(Struct, frozen=True):
    """No queues: who finds no seat is rejected."""

    queues: int = 0
    hand: int = 0
    length: int = 0

    @classmethod
    def of(cls, spec: Object) -> "Queuing":
        """From a level's spec."""
        response = (spec.get("limited") or {}).get("limitResponse") or {}
        if response.get("type") != "Queue":
            return cls()
        values = response.get("queuing") or {}
        return cls(values.get("queues", 64), values.get("handSize", 8), values.get("queueLengthLimit", 50))


class _Waiting:
    __slots__ = ("future", "seats", "tag")

    def __init__(self, seats: int, future: "asyncio.Future[None]", tag: object) -> None:
        self.seats = seats
        self.future = future
        self.tag = tag


class Queue:
    """`virtual` is its time in seat-seconds, `executing` the seats that its requests hold."""

    __slots__ = ("executing", "virtual", "waiting")

    def __init__(self) -> None:
        self.virtual = 0.0
        self.executing = 0
        self.waiting: deque[_Waiting] = deque()

    @property
    def load(self) -> int:
        return self.executing + sum(each.seats for each in self.waiting)


class Seat:
    """What a request holds while it runs. `queue` is None on levels without queues."""

    __slots__ = ("queue", "seats", "started")

    def __init__(self, seats: int, queue: Queue | None, started: float) -> None:
        self.seats = seats
        self.queue = queue
        self.started = started


class QueueSet:
    """Seats and queues of a level; an exempt one has no end of seats and is not to be asked. Not for several loops."""

    def __init__(self, queuing: Queuing, limit: int, *, exempt: bool = False) -> None:
        self.limit = limit
        self.exempt = exempt
        self.queuing = queuing
        self.demand = Demand()
        self.seats_in_use = 0
        self.executing = 0
        self.waiting = 0
        self._waiting_seats = 0
        self.queues = [Queue() for _ in range(queuing.queues)]
        self._hands: dict[str, list[int]] = {}
        self._virtual = 0.0

    def set_limit(self, limit: int) -> None:
        self.limit = limit
        self._serve()

    def try_now(self, flow: str, seats: int, now: float) -> Seat | None:
        """A seat without waiting, if there is one and nobody waits; Rejected where nobody can wait."""
        if not self.waiting and self._fits(seats):
            # Nobody waits, so that it does not matter how loaded a queue is.
            return self._take(seats, self.queues[self._hand_of(flow)[0]] if self.queues else None, now)
        if not self.queues:
            self.demand.note(self.seats_in_use + seats)
            raise Rejected("concurrency-limit")
        return None

    async def wait(self, flow: str, seats: int, seconds: float, tag: object = None) -> Seat:
        """A seat after waiting in line; Rejected if the line is too long, or does not come to it in time.

        `tag` is whatever tells who waits.
        """
        queue = self._queue_of(flow)
        if len(queue.waiting) >= self.queuing.length:
            raise Rejected("queue-full")
        entry = _Waiting(seats, asyncio.get_running_loop().create_future(), tag)
        if not queue.waiting and not queue.executing:
            queue.virtual = max(queue.virtual, self._virtual)
        queue.waiting.append(entry)
        self.waiting += 1
        self._waiting_seats += seats
        self.demand.note(self.seats_in_use + self._waiting_seats)
        self._serve()
        try:
            async with asyncio.timeout(seconds):
                await entry.future
        except BaseException as error:
            if entry.future.done() and not entry.future.cancelled():
                # It was its turn at the very moment that it gave up.
                self.release(Seat(seats, queue, clock.monotonic()), clock.monotonic())
            else:
                queue.waiting.remove(entry)
                self.waiting -= 1
                self._waiting_seats -= seats
            if isinstance(error, TimeoutError):
                raise Rejected("time-out") from None
            raise
        return Seat(seats, queue, clock.monotonic())

    def leave(self, seat: Seat, now: float) -> None:
        """The request has ended on the running loop.

        The seat of a full level with queues is free at the loop's next turn: what is ready in this one has come
        meanwhile, and waits. Else requests that never wait for anything would follow each other into the seat as they
        came, and a level would have as large a part of the loop as it has clients.
        """
        if self.queues and self.seats_in_use >= self.limit:
            asyncio.get_running_loop().call_soon(self.release, seat, now)
        else:
            self.release(seat, now)

    def release(self, seat: Seat, now: float) -> None:
        """The request has ended: its queue pays for what it really took, and others go on."""
        self.seats_in_use -= seat.seats
        self.executing -= 1
        if seat.queue is not None:
            seat.queue.executing -= seat.seats
            seat.queue.virtual += seat.seats * (now - seat.started - _GUESS)
        if self.waiting:
            self._serve()

    def _fits(self, seats: int) -> bool:
        """One that wants more seats than there are may run alone."""
        return self.seats_in_use + seats <= self.limit or not self.seats_in_use

    def _take(self, seats: int, queue: Queue | None, now: float) -> Seat:
        self.seats_in_use += seats
        self.executing += 1
        self.demand.note(self.seats_in_use)
        if queue is not None:
            if not queue.executing and not queue.waiting:
                queue.virtual = max(queue.virtual, self._virtual)
            self._virtual = max(self._virtual, queue.virtual)
            queue.virtual += seats * _GUESS
            queue.executing += seats
        return Seat(seats, queue, now)

    def _serve(self) -> None:
        """Lets in those that wait, while there are seats for the next."""
        while self.waiting:
            queue = min((each for each in self.queues if each.waiting), key=lambda each: each.virtual)
            entry = queue.waiting[0]
            if not self._fits(entry.seats):
                return
            queue.waiting.popleft()
            self.waiting -= 1
            self._waiting_seats -= entry.seats
            self._take(entry.seats, queue, 0.0)
            entry.future.set_result(None)

    def _hand_of(self, flow: str) -> list[int]:
        hand = self._hands.get(flow)
        if hand is None:
            if len(self._hands) >= _MOST_HANDS:
                self._hands.clear()
            hand = self._hands[flow] = deal(flow, self.queuing.queues, self.queuing.hand)
        return hand

    def _queue_of(self, flow: str) -> Queue:
        """The emptiest of the flow's queues."""
        return min((self.queues[index] for index in self._hand_of(flow)), key=lambda queue: queue.load)


def deal(flow: str, queues: int, hand: int) -> list[int]:
    """Which queues a flow may use: `hand` different ones, the same for the same flow always."""
    value = int.from_bytes(hashlib.blake2b(flow.encode(), digest_size=16).digest(), "big")
    left = list(range(queues))
    dealt = []
    for _ in range(min(hand, queues)):
        value, index = divmod(value, len(left))
        dealt.append(left.pop(index))
    return dealt
