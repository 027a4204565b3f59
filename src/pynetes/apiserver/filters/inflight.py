"""Limits how many requests run at once (upstream's max-in-flight): writes and reads apart, long-running ones free."""

from pynetes.apimachinery.errors import too_many_requests
from pynetes.apiserver.authentication.user import PRIVILEGED
from pynetes.apiserver.filters.info import long_running
from pynetes.apiserver.http import Answer, Filter, Handler, Request
from pynetes.component import metrics

_READ_VERBS = frozenset(("get", "list", "watch"))
_RETRY_AFTER = 1

_running = metrics.gauge(
    "apiserver_current_inflight_requests",
    "Maximal number of currently used inflight request limit of this apiserver per request kind in last second.",
    ("request_kind",),
)


class _Room:
    """Places of one kind of request; a limit of 0 is none."""

    __slots__ = ("limit", "used")

    def __init__(self, limit: int, kind: str) -> None:
        self.limit = limit
        self.used = 0
        _running.labels(kind).set_function(lambda: float(self.used))

    @property
    def full(self) -> bool:
        return 0 < self.limit <= self.used


def with_max_in_flight(reads: int, writes: int) -> Filter:
    reading, writing = _Room(reads, "readOnly"), _Room(writes, "mutating")

    def wrap(handler: Handler) -> Handler:
        async def handle(request: Request) -> Answer:
            info = request.info
            assert info is not None
            if long_running(request):
                return await handler(request)
            room = reading if info.verb in _READ_VERBS else writing
            if room.full and (request.user is None or PRIVILEGED not in request.user.groups):
                raise too_many_requests("too many requests, please try again later.", _RETRY_AFTER)
            room.used += 1
            try:
                return await handler(request)
            finally:
                room.used -= 1

        return handle

    return wrap
