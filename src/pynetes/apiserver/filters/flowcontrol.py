"""Seats before anything is done: a request that finds none waits fairly or is told to come again."""

from typing import Any

from pynetes.apimachinery.errors import too_many_requests
from pynetes.apiserver.authentication.user import ANONYMOUS_USER
from pynetes.apiserver.filters.info import long_running
from pynetes.apiserver.flowcontrol.controller import FlowController, Level
from pynetes.apiserver.flowcontrol.matching import CompiledSchema
from pynetes.apiserver.flowcontrol.queueset import Rejected, Seat
from pynetes.apiserver.flowcontrol.seats import Count, width
from pynetes.apiserver.http import Answer, Filter, Handler, Request
from pynetes.component import clock, metrics

_RETRY_AFTER = 1
#: Part of its time that a request may spend waiting.
_WAITING = 1 / 4

_rejected = metrics.counter(
    "apiserver_flowcontrol_rejected_requests_total",
    "Number of requests rejected by API Priority and Fairness subsystem",
    ("priority_level", "flow_schema", "reason"),
)
_dispatched = metrics.counter(
    "apiserver_flowcontrol_dispatched_requests_total",
    "Number of requests executed by API Priority and Fairness subsystem",
    ("priority_level", "flow_schema"),
)
_waits = metrics.histogram(
    "apiserver_flowcontrol_request_wait_duration_seconds",
    "Length of time a request spent waiting in its queue",
    ("priority_level", "flow_schema", "execute"),
    buckets=(0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
)


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
            if level.queues.exempt:
                _count(level, schema)
                return await handler(request)
            seats = width(info, request.query, count)
            seat = await _seat(level, schema, schema.flow(user, info), seats, patience)
            try:
                return await handler(request)
            finally:
                level.queues.release(seat, clock.monotonic())

        return handle

    return wrap


async def _seat(level: Level, schema: CompiledSchema, flow: str, seats: int, patience: float) -> Seat:
    """At once, or after waiting; StatusError 429."""
    hand = f"{schema.name}/{flow}"
    try:
        seat = level.queues.try_now(hand, seats, clock.monotonic())
        if seat is None:
            began = clock.monotonic()
            seat = await level.queues.wait(hand, seats, patience)
            _waits.labels(level.name, schema.name, "true").observe(clock.monotonic() - began)
    except Rejected as reason:
        _rejected.labels(level.name, schema.name, str(reason)).inc()
        raise too_many_requests("too many requests, please try again later.", _RETRY_AFTER) from None
    _count(level, schema)
    return seat


_counters: dict[tuple[str, str], Any] = {}


def _count(level: Level, schema: CompiledSchema) -> None:
    key = (level.name, schema.name)
    counter = _counters.get(key)
    if counter is None:
        counter = _counters[key] = _dispatched.labels(*key)
    counter.inc()
