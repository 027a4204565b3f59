"""What is counted of every request, under upstream's names."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

from prometheus_client import Gauge

from pynetes.apiserver.http import Answer, Request, Response, StreamResponse, Upgrade
from pynetes.apiserver.requestinfo import RequestInfo
from pynetes.component import metrics

Run = Callable[[Any], Awaitable[Any]]

_APPLY = "application/apply-patch+yaml"
_WHAT = ("verb", "group", "version", "resource", "subresource", "scope", "component")
_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60)

_requests = metrics.counter(
    "apiserver_request_total",
    "Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, "
    "component, and HTTP response code.",
    (*_WHAT, "dry_run", "code"),
)
_durations = metrics.Durations(
    "apiserver_request_duration_seconds",
    "Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, "
    "scope and component.",
    (*_WHAT, "dry_run"),
    buckets=(0.005, 0.025, *_SECONDS),
)
_own_durations = metrics.Durations(
    "apiserver_request_sli_duration_seconds",
    "Response latency distribution (not counting webhook duration and priority & fairness queue wait times) in seconds "
    "for each verb, group, version, resource, subresource, scope and component.",
    _WHAT,
    buckets=_SECONDS,
)
_sizes = metrics.Durations(
    "apiserver_response_sizes",
    "Response size distribution in bytes for each group, version, verb, resource, subresource, scope and component.",
    _WHAT,
    buckets=metrics.exponential(1000, 10, 7),
)
_lasting = metrics.gauge(
    "apiserver_longrunning_requests",
    "Gauge of all active long-running apiserver requests broken out by verb, group, version, resource, scope and "
    "component. Not all requests are tracked this way.",
    _WHAT,
)
_terminated = metrics.counter(
    "apiserver_request_terminations_total",
    "Number of requests which apiserver terminated in self-defense.",
    (*_WHAT, "code"),
)
_bodies = metrics.Durations(
    "apiserver_request_body_size_bytes",
    "Apiserver request body size in bytes broken out by resource and verb.",
    ("group", "resource", "verb"),
    buckets=tuple(50_000 + 100_000 * n for n in range(31)),
)
#: Answers by which the server defends itself: too many requests, too slow ones.
_DEFENCE = (429, 504)
_VERBS = {
    "create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE", "deletecollection": "DELETE",
    "watch": "WATCH", "post": "POST", "put": "PUT", "head": "GET",
}  # fmt: skip
_KNOWN = _VERBS.keys() | {"get", "list"}
_CONNECTED = frozenset(("attach", "exec", "log", "portforward", "proxy"))

#: How one kind of request with one outcome is counted, looked up once: by its seconds, those it waited, its size.
_children: dict[tuple[Any, ...], Callable[[Request, Answer, float], None]] = {}
#: Resources and subresources that have answered: only of these are refusals counted, for paths are anyone's to make up.
_served: set[tuple[Any, ...]] = set()


def count(request: Request, answer: Answer, seconds: float) -> None:
    """Notes a request that took this long to answer."""
    info = request.info
    if info is None:
        return
    code = answer.status if isinstance(answer, (Response, StreamResponse)) else 101
    dry_run = "dryRun" in request.query
    applies = info.verb == "patch" and request.headers.get("Content-Type") == _APPLY
    verb = info.verb if info.verb in _KNOWN else ""  # a method is anyone's to make up
    key = (
        verb, info.group, info.version, info.resource, info.subresource, bool(info.namespace), bool(info.name),
        applies, dry_run, code,
    )  # fmt: skip
    note = _children.get(key)
    if note is None:
        what = key[1:5]
        if code < 400:
            _served.add(what)
        elif info.is_resource and what not in _served:
            return
        note = _children[key] = _noter(request, code, dry_run)
    note(request, answer, seconds)


def _noter(request: Request, code: int, dry_run: bool) -> Callable[[Request, Answer, float], None]:
    info = request.info
    assert info is not None
    what = _what(info, request)
    dry = "All" if dry_run else ""
    counters = [_requests.labels(*what, dry, str(code))]
    if code in _DEFENCE:
        counters.append(_terminated.labels(*what, str(code)))
    body = (info.group, info.resource, info.verb) if info.is_resource and info.verb in _KNOWN else None
    return partial(_note, counters, what, (*what, dry), what[0] in ("GET", "LIST"), body)


def _what(info: RequestInfo, request: Request) -> tuple[str, ...]:
    """The labels. Verbs are the methods of HTTP, but for lists, watches, what is applied and what is connected."""
    scope = info.extent
    verb = _VERBS.get(info.verb, "other")
    if info.is_resource and info.subresource in _CONNECTED:
        verb = "CONNECT"
    elif info.verb in ("get", "list"):
        verb = "LIST" if scope in ("namespace", "cluster") else "GET"
    elif info.verb == "patch" and request.headers.get("Content-Type") == _APPLY:
        verb = "APPLY"
    return (verb, info.group, info.version, info.resource, info.subresource, scope, "apiserver")


def track(request: Request, answer: Answer) -> None:
    """Counts an answer that lasts for as long as it does."""
    info = request.info
    if info is None or not info.is_resource:
        return
    if isinstance(answer, StreamResponse):
        answer.chunks = _Counted(answer.chunks, _lasting.labels(*_what(info, request)))
    elif isinstance(answer, Upgrade):
        answer.run = _while_connected(answer.run, _lasting.labels(*_what(info, request)))


class _Counted:
    """A stream that counts from when it is made until it is closed."""

    def __init__(self, chunks: AsyncIterator[bytes], gauge: Gauge) -> None:
        self._chunks, self._gauge, self._next = chunks, gauge, chunks.__anext__
        self._open = True
        gauge.inc()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    def __anext__(self) -> Awaitable[bytes]:
        return self._next()

    async def aclose(self) -> None:
        if self._open:
            self._open = False
            self._gauge.dec()
        close = getattr(self._chunks, "aclose", None)
        if close is not None:
            await close()


def _while_connected(run: Run, gauge: Gauge) -> Run:
    async def counted(request: Any) -> Any:
        with gauge.track_inprogress():
            return await run(request)

    return counted


def _note(
    counters: list[Any], what: tuple[str, ...], timed: tuple[str, ...], sized: bool, body: tuple[str, ...] | None,
    request: Request, answer: Answer, seconds: float,
) -> None:  # fmt: skip
    for counter in counters:
        counter.inc()
    if request.size and body is not None:
        _bodies.note(body, request.size)
    if isinstance(answer, Response):
        _durations.note(timed, seconds)
        _own_durations.note(what, seconds - sum(request.waits) if request.waits else seconds)
        if sized:
            _sizes.note(what, len(answer.body))
