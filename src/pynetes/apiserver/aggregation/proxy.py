"""Sends requests of clients on to the extension that serves their group version."""

import asyncio
from http import HTTPStatus
from urllib.parse import quote, urlencode

import aiohttp

from pynetes.apimachinery.streaming import dial
from pynetes.apiserver.aggregation.connection import (
    CONNECT_TIMEOUT,
    Connections,
    HeaderError,
    Target,
    TrustError,
    identity_headers,
    without_identity,
)
from pynetes.apiserver.aggregation.extension import Extension, Unresolvable
from pynetes.apiserver.http import Answer, Request, Response, StreamResponse, text
from pynetes.apiserver.streaming import websocket
from pynetes.apiserver.streaming.kubelet import describe
from pynetes.apiserver.streaming.proxy import HOP_BY_HOP, OURS, WHOLE, chunks
from pynetes.apiserver.streaming.switch import switched

#: Discovery is cheap for every server, and clients ask many of them: who does not answer is left quickly.
_DISCOVERY_TIMEOUT = 5.0
_BODILESS = frozenset((HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED))


async def forward(connections: Connections, extension: Extension, available: bool, request: Request) -> Answer:
    """The extension's answer; one in plain text, as upstream's, where there is none."""
    assert request.user is not None
    if not available:
        return refusal("service unavailable", HTTPStatus.SERVICE_UNAVAILABLE)
    try:
        target = connections.target(extension)
        headers = _headers(request, target)
    except TrustError as error:
        return refusal(str(error), HTTPStatus.INTERNAL_SERVER_ERROR)
    except Unresolvable:
        return refusal("service unavailable", HTTPStatus.SERVICE_UNAVAILABLE)
    except HeaderError as error:
        return _unreachable(str(error))
    if websocket.is_upgrade(request):
        return await _upgrade(request, target, headers)
    return await _request(connections, request, target, headers)


async def _request(
    connections: Connections, request: Request, target: Target, headers: list[tuple[str, str]]
) -> Answer:
    body = await request.read_body() if request.method not in ("GET", "HEAD", "OPTIONS") else None
    try:
        async with asyncio.timeout(_DISCOVERY_TIMEOUT if _is_discovery(request) else None):
            response = await connections.send(target, request.method, path_of(request), headers, body, None)
            return await _answer(request, response)
    except TimeoutError:
        return _unreachable("context deadline exceeded")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return _unreachable(describe(error))


async def _answer(request: Request, response: aiohttp.ClientResponse) -> Answer:
    headers = {name: value for name, value in response.headers.items() if name.lower() not in OURS}
    content_type = response.headers.get("Content-Type", "application/octet-stream")
    if 300 <= response.status <= 399 and response.headers.get("Location"):
        response.release()
        told = b"the backend attempted to redirect this request, which is not permitted"
        return Response(HTTPStatus.BAD_GATEWAY, told, "text/plain; charset=utf-8")
    if request.method == "HEAD" or response.status in _BODILESS:
        response.release()
        return Response(response.status, b"", content_type, headers)
    length = response.headers.get("Content-Length", "")
    if length.isdigit() and int(length) <= WHOLE:
        async with response:
            return Response(response.status, await response.read(), content_type, headers, is_object=False)
    return StreamResponse(response.status, content_type, chunks(response), headers)


async def _upgrade(request: Request, target: Target, headers: list[tuple[str, str]]) -> Answer:
    sent = [*headers, ("Host", target.host_port), ("Connection", "Upgrade"), ("Upgrade", request.headers["Upgrade"])]
    try:
        answer = await dial.dial(
            target.host,
            target.port,
            request.method,
            path_of(request),
            sent,
            tls=target.tls,
            server_hostname=target.server_name,
            timeout=CONNECT_TIMEOUT,
        )
    except dial.DialError as error:
        return _unreachable(str(error))
    return switched(answer)


def path_of(request: Request) -> str:
    """Path and query as they came over the wire, or as they would have."""
    if request.raw is not None:
        url = request.raw.rel_url
        path, query = url.raw_path, url.raw_query_string
    else:
        path = quote(request.path, safe="/:@!$&'()*+,;=~")
        query = urlencode([(name, value) for name, values in request.query.items() for value in values])
    return f"{path}?{query}" if query else path


def _headers(request: Request, target: Target) -> list[tuple[str, str]]:
    """The client's own, but for those of its connection; whether to compress is between the client and us."""
    assert request.user is not None
    kept = [
        (name, value)
        for name, value in without_identity(request.headers.items())
        if name.lower() not in HOP_BY_HOP and name.lower() not in _REPLACED
    ]
    before = request.headers.get("X-Forwarded-For")
    return [
        *kept,
        ("X-Forwarded-For", f"{before}, {request.remote}" if before else request.remote),
        ("X-Forwarded-Host", request.headers.get("X-Forwarded-Host") or request.headers.get("Host", target.host_port)),
        ("X-Forwarded-Uri", request.headers.get("X-Forwarded-Uri") or request.path),
        ("Audit-Id", request.audit_id),
        *identity_headers(request.user),
    ]


_REPLACED = frozenset(
    ("accept-encoding", "content-length", "audit-id", "x-forwarded-for", "x-forwarded-host", "x-forwarded-uri")
)


def _is_discovery(request: Request) -> bool:
    return not (request.info is not None and request.info.is_resource) and len(request.path.strip("/").split("/")) == 3


def _unreachable(why: str) -> Response:
    return refusal(f"error trying to reach service: {why}", HTTPStatus.SERVICE_UNAVAILABLE)


def refusal(why: str, status: int) -> Response:
    answer = text(f"{why}\n", status)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer
