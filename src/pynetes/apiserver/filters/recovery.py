"""The outermost filter: every error becomes an answer, every answer is counted."""

import logging
from typing import Any

import orjson

from pynetes.apimachinery import json_writer
from pynetes.apimachinery.depth import TooDeepError
from pynetes.apimachinery.errors import StatusError, bad_request, internal, store_failed
from pynetes.apiserver.encoding import JSON
from pynetes.apiserver.http import Answer, Handler, Request, Response, StreamResponse
from pynetes.apiserver.negotiation import MediaType, negotiate
from pynetes.component import clock, metrics
from pynetes.storage import StoreUnavailable

log = logging.getLogger(__name__)

_LABELS = ("verb", "group", "version", "resource", "subresource", "scope", "component", "dry_run", "code")
_TIMED = _LABELS[:-1]
_BUCKETS = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60)

_requests = metrics.counter(
    "apiserver_request_total",
    "Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, "
    "component, and HTTP response code.",
    _LABELS,
)
_durations = metrics.histogram(
    "apiserver_request_duration_seconds",
    "Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, "
    "scope and component.",
    _TIMED,
    buckets=_BUCKETS,
)

#: Metrics of one kind of request and outcome, looked up once.
_children: dict[tuple[Any, ...], tuple[Any, Any]] = {}
#: Resources and subresources that have answered: only of these are refusals counted, for paths are anyone's to make up.
_served: set[tuple[Any, ...]] = set()


def with_recovery(handler: Handler) -> Handler:
    async def handle(request: Request) -> Answer:
        started = clock.monotonic()
        answer: Answer
        try:
            answer = await handler(request)
        except StatusError as error:
            answer = status_response(request, error)
        except ConnectionError:
            raise
        except StoreUnavailable as error:
            log.warning("%s %s: %s", request.method, request.path, error)
            answer = status_response(request, store_failed(error))
        except (TooDeepError, RecursionError):
            answer = status_response(request, bad_request(str(TooDeepError())))
        except Exception:
            log.exception("%s %s (audit ID %s) failed", request.method, request.path, request.audit_id)
            message = "This request caused apiserver to panic. Look in the logs for details."
            answer = status_response(request, internal(message))
        _count(request, answer, started)
        return answer

    return handle


def status_response(request: Request, error: StatusError) -> Response:
    """The error as the client reads it: a v1.Status in the negotiated format, or in indented JSON if there is none."""
    try:
        media = negotiate(request, "errors")
    except StatusError:
        media = MediaType(JSON, pretty=True)
    response = Response(error.code, media.codec.encode(error.status(), media.pretty), media.codec.media_type)
    response.headers.update(error.headers)
    retry = error.details.get("retryAfterSeconds")
    if retry:
        response.headers["Retry-After"] = str(retry)
    return response


def _count(request: Request, answer: Answer, started: float) -> None:
    info = request.info
    if info is None:
        return
    code = answer.status if isinstance(answer, (Response, StreamResponse)) else 101
    dry_run = "dryRun" in request.query
    key = (info.verb, info.group, info.version, info.resource, info.subresource, bool(info.namespace), dry_run, code)
    children = _children.get(key)
    if children is None:
        what = key[1:5]
        if code < 400:
            _served.add(what)
        elif info.is_resource and what not in _served:
            return
        children = _children[key] = _labelled(request, code, dry_run)
    counted, timed = children
    counted.inc()
    if isinstance(answer, Response):
        timed.observe(clock.monotonic() - started)


def _labelled(request: Request, code: int, dry_run: bool) -> tuple[Any, Any]:
    info = request.info
    assert info is not None
    scope = ""
    if info.is_resource:
        scope = "resource" if info.name else ("namespace" if info.namespace else "cluster")
    verb = {"get": "GET", "create": "POST", "update": "PUT", "delete": "DELETE"}.get(info.verb, info.verb.upper())
    labels = (verb, info.group, info.version, info.resource, info.subresource, scope, "apiserver")
    dry = "All" if dry_run else ""
    return _requests.labels(*labels, dry, str(code)), _durations.labels(*labels, dry)


def json_response(obj: Any, status: int = 200) -> Response:
    return Response(status, json_writer.encode(obj, orjson.OPT_APPEND_NEWLINE))
