"""What is counted of every request, under upstream's names."""

from collections.abc import Callable
from functools import partial
from typing import Any

from pynetes.apiserver.http import Answer, Request, Response, StreamResponse
from pynetes.component import metrics

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
_VERBS = {"get": "GET", "create": "POST", "update": "PUT", "delete": "DELETE"}

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
    key = (info.verb, info.group, info.version, info.resource, info.subresource, bool(info.namespace), dry_run, code)
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
    scope = ""
    if info.is_resource:
        scope = "resource" if info.name else ("namespace" if info.namespace else "cluster")
    verb = _VERBS.get(info.verb, info.verb.upper())
    what = (verb, info.group, info.version, info.resource, info.subresource, scope, "apiserver")
    dry = "All" if dry_run else ""
    return partial(_note, _requests.labels(*what, dry, str(code)), what, (*what, dry), verb in ("GET", "LIST"))


def _note(
    counter: Any, what: tuple[str, ...], timed: tuple[str, ...], sized: bool, request: Request, answer: Answer,
    seconds: float,
) -> None:  # fmt: skip
    counter.inc()
    if isinstance(answer, Response):
        _durations.note(timed, seconds)
        _own_durations.note(what, seconds - sum(request.waits) if request.waits else seconds)
        if sized:
            _sizes.note(what, len(answer.body))
