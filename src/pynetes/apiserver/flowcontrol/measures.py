"""What is counted of requests, by priority level and FlowSchema: plain numbers, made into metrics when asked for."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.flowcontrol.queueset import Seat
from pynetes.apiserver.http import Request
from pynetes.component import metrics

_LABELS = ("priority_level", "flow_schema")
_BUCKETS = (0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30)

WAITS = metrics.Durations(
    "apiserver_flowcontrol_request_wait_duration_seconds",
    "Length of time a request spent waiting in its queue",
    (*_LABELS, "execute"),
    buckets=_BUCKETS,
)
EXECUTIONS = metrics.Durations(
    "apiserver_flowcontrol_request_execution_seconds",
    "Duration of initial stage (for a WATCH) or any (for a non-WATCH) stage of request execution in the API Priority "
    "and Fairness subsystem",
    (*_LABELS, "type"),
    buckets=_BUCKETS,
)


class Ticket:
    """A request while it waits or runs. Times are wall-clock seconds; `started` is 0 while it waits."""

    __slots__ = ("arrived", "flow", "request", "schema", "seat", "seats", "started", "user")

    def __init__(self, request: Request, user: UserInfo, schema: str, flow: str, seats: int, arrived: float) -> None:
        self.request, self.user = request, user
        self.schema, self.flow, self.seats = schema, flow, seats
        self.arrived, self.started = arrived, 0.0
        self.seat: Seat | None = None


class Tally:
    """Of one level and FlowSchema."""

    __slots__ = ("cancelled", "dispatched", "executing", "rejected", "seats", "waiting", "waiting_seats")

    def __init__(self) -> None:
        self.executing: set[Ticket] = set()
        self.seats = self.waiting = self.waiting_seats = self.dispatched = self.cancelled = 0
        self.rejected: Counter[str] = Counter()


_tallies: dict[tuple[str, str], Tally] = {}


def tally(level: str, schema: str) -> Tally:
    found = _tallies.get((level, schema))
    if found is None:
        found = _tallies[level, schema] = Tally()
    return found


def of_level(level: str) -> list[Tally]:
    return [each for (name, _), each in _tallies.items() if name == level]


def _families() -> Iterator[Metric]:
    counts = list(_tallies.items())
    for name, text, value in (
        (
            "current_executing_requests",
            "Number of requests in initial (for a WATCH) or any (for a non-WATCH) execution stage in the API Priority "
            "and Fairness subsystem",
            lambda each: len(each.executing),
        ),
        (
            "current_executing_seats",
            "Concurrency (number of seats) occupied by the currently executing (initial stage for a WATCH, any stage "
            "otherwise) requests in the API Priority and Fairness subsystem",
            lambda each: each.seats,
        ),
        (
            "current_inqueue_requests",
            "Number of requests currently pending in queues of the API Priority and Fairness subsystem",
            lambda each: each.waiting,
        ),
        (
            "current_inqueue_seats",
            "Number of seats currently pending in queues of the API Priority and Fairness subsystem",
            lambda each: each.waiting_seats,
        ),
    ):
        gauge = GaugeMetricFamily(f"apiserver_flowcontrol_{name}", text, labels=_LABELS)
        for labels, each in counts:
            gauge.add_metric(labels, value(each))
        yield gauge
    dispatched = CounterMetricFamily(
        "apiserver_flowcontrol_dispatched_requests",
        "Number of requests executed by API Priority and Fairness subsystem",
        labels=_LABELS,
    )
    rejected = CounterMetricFamily(
        "apiserver_flowcontrol_rejected_requests",
        "Number of requests rejected by API Priority and Fairness subsystem",
        labels=(*_LABELS, "reason"),
    )
    for labels, each in counts:
        dispatched.add_metric(labels, each.dispatched)
        for reason, number in each.rejected.items():
            rejected.add_metric((*labels, reason), number)
    yield dispatched
    yield rejected


metrics.collector(_families)
