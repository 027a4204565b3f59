"""Finds out what a request asks for (upstream's WithRequestInfo)."""

from pynetes.apiserver.http import Answer, Handler, Request, broken
from pynetes.apiserver.requestinfo import request_info

_LONG_RUNNING_VERBS = frozenset(("watch", "proxy"))
_LONG_RUNNING_SUBRESOURCES = frozenset(("attach", "exec", "proxy", "log", "portforward"))


def with_request_info(handler: Handler) -> Handler:
    async def handle(request: Request) -> Answer:
        try:
            request.info = request_info(request.method, request.path, request.query)
        except ValueError as error:
            return broken(request, f"failed to create RequestInfo: {error}")
        return await handler(request)

    return handle


def long_running(request: Request) -> bool:
    """Requests that may last: not counted as in flight, and without deadline."""
    info = request.info
    if info is None:
        return False
    if info.is_resource:
        return info.verb in _LONG_RUNNING_VERBS or info.subresource in _LONG_RUNNING_SUBRESOURCES
    return info.path.startswith("/debug/pprof/")
