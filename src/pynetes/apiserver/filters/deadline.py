"""Ends requests that take too long (upstream's WithRequestDeadline): `--request-timeout`, or `?timeout=` if shorter."""

import asyncio

from pynetes.apimachinery.errors import bad_request, timeout
from pynetes.apimachinery.times import parse_duration
from pynetes.apiserver.filters.info import long_running
from pynetes.apiserver.http import Answer, Filter, Handler, Request
from pynetes.component.memo import remembered


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
            limit = asyncio.timeout(seconds)
            try:
                async with limit:
                    return await handler(request)
            except TimeoutError:
                if not limit.expired():
                    raise
                raise timeout("request did not complete within the allotted timeout") from None

        return handle

    return wrap
