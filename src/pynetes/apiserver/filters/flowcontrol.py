"""Seats before anything is done: a request that finds none waits fairly or is told to come again."""

import asyncio

from pynetes.apimachinery.errors import too_many_requests
from pynetes.apiserver.authentication.user import ANONYMOUS_USER
from pynetes.apiserver.filters.info import long_running
from pynetes.apiserver.flowcontrol import measures
from pynetes.apiserver.flowcontrol.controller import FlowController, Level
from pynetes.apiserver.flowcontrol.measures import EXECUTIONS, WAITS, Tally, Ticket
from pynetes.apiserver.flowcontrol.queueset import Rejected, Seat
from pynetes.apiserver.flowcontrol.seats import Count, width
from pynetes.apiserver.http import Answer, Filter, Handler, Request
from pynetes.component import clock

_RETRY_AFTER = 1
#: Part of its time that a request may spend waiting.
_WAITING = 1 / 4


def with_flow_control(controller: FlowController, count: Count, request_timeout: float) -> Filter:
    patience = request_timeout * _WAITING

    def wrap(handler: Handler) -> Handler:
        async def handle(request: Request) -> Answer:
            info, user = request.info, request.user or ANONYMOUS_USER
            assert info is not None
            if long_running(request) and info.verb != "watch":
                return await handler(request)
            schema, level = controller.find(user, info)
            request.flow = (schema.uid, level.uid)
            tally, queues = measures.tally(level.name, schema.name), level.queues
            flow, arrived = schema.flow(user, info), clock.time_seconds()
            seats = 1 if queues.exempt else width(info, request.query, count)
            ticket = Ticket(request, user, schema.name, flow, seats, arrived)
            if not queues.exempt:
                ticket.seat = await _seat(level, tally, ticket, patience, request.waits)
            ticket.started = clock.time_seconds()
            tally.dispatched += 1
            tally.executing.add(ticket)
            tally.seats += seats
            time = clock.timer()
            began = time()
            try:
                return await handler(request)
            finally:
                now = time()
                tally.executing.discard(ticket)
                tally.seats -= seats
                kind = "watch" if info.verb == "watch" else "regular"
                EXECUTIONS.note((level.name, schema.name, kind), now - began)
                if ticket.seat is not None:
                    queues.leave(ticket.seat, now)

        return handle

    return wrap


async def _seat(level: Level, tally: Tally, ticket: Ticket, patience: float, waits: list[float]) -> Seat:
    """At once, or after waiting, which is added to `waits`; StatusError 429."""
    hand, seats = f"{ticket.schema}/{ticket.flow}", ticket.seats
    try:
        seat = level.queues.try_now(hand, seats, clock.monotonic())
        return seat or await _waited(level, tally, ticket, hand, patience, waits)
    except Rejected as reason:
        tally.rejected[str(reason)] += 1
        raise too_many_requests("too many requests, please try again later.", _RETRY_AFTER) from None


async def _waited(level: Level, tally: Tally, ticket: Ticket, hand: str, patience: float, waits: list[float]) -> Seat:
    began, executed = clock.monotonic(), "false"
    tally.waiting += 1
    tally.waiting_seats += ticket.seats
    try:
        seat = await level.queues.wait(hand, ticket.seats, patience, ticket)
        executed = "true"
        return seat
    except asyncio.CancelledError:
        tally.cancelled += 1
        raise
    finally:
        tally.waiting -= 1
        tally.waiting_seats -= ticket.seats
        waits.append(clock.monotonic() - began)
        WAITS.note((level.name, ticket.schema, executed), waits[-1])
