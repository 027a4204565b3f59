"""/debug/api_priority_and_fairness/dump_*: levels, queues and requests as tables, as they are at this moment."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime

from pynetes.apiserver.flowcontrol.controller import FlowController, Level
from pynetes.apiserver.flowcontrol.measures import Ticket, of_level
from pynetes.apiserver.http import Answer, Request, text

_PATH = "/debug/api_priority_and_fairness/dump_"
_LEVEL_HEADERS = (
    *("PriorityLevelName", "ActiveQueues", "IsIdle", "IsQuiescing", "WaitingRequests", "ExecutingRequests"),
    *("DispatchedRequests", "RejectedRequests", "TimedoutRequests", "CancelledRequests"),
)
_QUEUE_HEADERS = (
    *("PriorityLevelName", "Index", "PendingRequests", "ExecutingRequests", "SeatsInUse", "NextDispatchR"),
    *("InitialSeatsSum", "MaxSeatsSum", "TotalWorkSum"),
)
_REQUEST_HEADERS = (
    *("PriorityLevelName", "FlowSchemaName", "QueueIndex", "RequestIndexInQueue", "FlowDistingsher", "ArriveTime"),
    *("InitialSeats", "FinalSeats", "AdditionalLatency", "StartTime"),
)
_DETAIL_HEADERS = ("UserName", "Verb", "APIPath", "Namespace", "Name", "APIVersion", "Resource", "SubResource")
#: How the original shows a time that has not come.
_NEVER = "0001-01-01T00:00:00Z"

Row = tuple[object, ...]


def handlers(controller: FlowController) -> Mapping[str, Callable[[Request], Awaitable[Answer]]]:
    """By path."""

    async def levels(request: Request) -> Answer:
        rows = (_level_row(controller.levels[name]) for name in sorted(controller.levels))
        return text(table(_LEVEL_HEADERS, rows))

    async def queues(request: Request) -> Answer:
        return text(table(_QUEUE_HEADERS, (row for level in controller.levels.values() for row in _queue_rows(level))))

    async def requests(request: Request) -> Answer:
        details = bool(request.param("includeRequestDetails"))
        headers = (*_REQUEST_HEADERS, *(_DETAIL_HEADERS if details else ()))
        found = (each for level in controller.levels.values() for each in _tickets(level))
        rows = ((*_request_row(*each), *(_details(each[1]) if details else ())) for each in found)
        return text(table(headers, rows))

    return {f"{_PATH}priority_levels": levels, f"{_PATH}queues": queues, f"{_PATH}requests": requests}


def _level_row(level: Level) -> Row:
    tallies = of_level(level.name)
    executing, waiting = sum(len(each.executing) for each in tallies), sum(each.waiting for each in tallies)
    late = sum(each.rejected["time-out"] for each in tallies)
    return (
        level.name,
        sum(1 for queue in level.queues.queues if queue.waiting),
        str(not executing and not waiting).lower(),
        "false",
        waiting,
        executing,
        sum(each.dispatched for each in tallies),
        sum(each.rejected.total() for each in tallies) - late,
        late,
        sum(each.cancelled for each in tallies),
    )


def _queue_rows(level: Level) -> Iterator[Row]:
    running = [ticket.seat.queue for each in of_level(level.name) for ticket in each.executing if ticket.seat]
    for index, queue in enumerate(level.queues.queues):
        seats, work = sum(each.seats for each in queue.waiting), "0.00000000ss"
        requests = sum(1 for each in running if each is queue)
        yield (
            *(level.name, index, len(queue.waiting), requests, queue.executing),
            *(f"{queue.virtual:.8f}ss", seats, seats, work),
        )


def _tickets(level: Level) -> Iterator[tuple[str, Ticket, int, int]]:
    """With the places of its queue and in it; -1 for a request that runs, or has no queue."""
    queues = level.queues.queues
    for index, queue in enumerate(queues):
        for place, each in enumerate(queue.waiting):
            if isinstance(each.tag, Ticket):
                yield level.name, each.tag, index, place
    for tally in of_level(level.name):
        for ticket in tally.executing:
            queue_of = ticket.seat.queue if ticket.seat is not None else None
            yield level.name, ticket, queues.index(queue_of) if queue_of in queues else -1, -1


def _request_row(level: str, ticket: Ticket, queue: int, place: int) -> Row:
    return (
        *(level, ticket.schema, queue, place, ticket.flow, _shown(ticket.arrived)),
        *(ticket.seats, 0, "0s", _shown(ticket.started)),
    )


def _details(ticket: Ticket) -> Row:
    info = ticket.request.info
    assert info is not None
    version = f"{info.group}/{info.version}" if info.group else info.version
    where = (info.namespace, info.name, version, info.resource, info.subresource)
    return (ticket.user.name, info.verb, info.path, *where)


def _shown(seconds: float) -> str:
    if not seconds:
        return _NEVER
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def table(headers: Row, rows: Iterable[Row]) -> str:
    """Comma-separated, and padded so that columns stand below each other."""
    lines = [[str(cell) for cell in row] for row in (headers, *rows)]
    widths = [max(8, 2 + max(len(line[i]) for line in lines)) for i in range(len(headers))]
    return "".join(
        "".join(f"{cell},".ljust(width) for cell, width in zip(line[:-1], widths, strict=False)) + line[-1] + "\n"
        for line in lines
    )
