"""Ends requests that take too long (upstream's WithRequestDeadline): `--request-timeout`, or `?timeout=` if shorter."""

import asyncio

import orjson

from pynetes.apimachinery.errors import bad_request, timeout
from pynetes.apimachinery.times import parse_duration
from pynetes.apiserver.filters.info import long_running
from pynetes.apiserver.http import Answer, Filter, Handler, Request, Response
from pynetes.component import clock
from pynetes.component.memo import remembered


def _late() -> Response:
    """As the original's timeout filter writes it, past all negotiation: clients find no Status in plain text, and say
    themselves that the server took too long."""
    status = timeout("request did not complete within the allotted timeout").status()
    told = {field: value for field, value in status.items() if field not in ("kind", "apiVersion")} | {"details": {}}
    return Response(504, orjson.dumps(told) + b"\n", "text/plain; charset=utf-8")


@remembered(256)
def _seconds(text: str) -> float:
    return parse_duration(text)


def with_deadline(maximum: float) -> Filter:
    def wrap(handler: Handler) -> Handler:
        async def handle(request: Request) -> Answer:
            if long_running(request):
                return await handler(request)
            seconds = maximum
            wanted = request.query.get("timeout") if request.query else None
            if wanted and wanted[0]:
                try:
                    seconds = min(_seconds(wanted[0]) or maximum, maximum)
                except ValueError as error:
                    raise bad_request(f"invalid timeout specified in the request URL - {error}") from None
            request.deadline = clock.monotonic() + seconds
            limit = asyncio.timeout_at(request.deadline)
            try:
                async with limit:
                    return await handler(request)
            except TimeoutError:
                if not limit.expired():
                    raise
                return _late()

        return handle

    return wrap
