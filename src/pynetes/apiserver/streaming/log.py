"""pods/log: a container's log from its kubelet, as plain text or through a WebSocket."""

import base64
import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus

import aiohttp
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import StreamResponse as AiohttpStream

from pynetes.apimachinery import errors
from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.times import format_time, parse_time
from pynetes.apis.names import PODS
from pynetes.apiserver.http import Answer, Request, Response, StreamResponse, Upgrade
from pynetes.apiserver.objects import ObjectReader
from pynetes.apiserver.options import integer
from pynetes.apiserver.streaming import containers, kubelet, websocket
from pynetes.apiserver.streaming.kubelet import KubeletClient, Query

BINARY = "binary.k8s.io"
BASE64 = "base64.binary.k8s.io"
STREAMS = ("All", "Stderr", "Stdout")
_CHUNK = 64 * 1024


class Log:
    """Serves pods/log."""

    def __init__(self, objects: ObjectReader, kubelets: KubeletClient, *, streams: bool = False) -> None:
        """`streams`: one of the container's two streams may be asked for (the gate PodLogsQuerySplitStreams)."""
        self._objects = objects
        self._streams = streams
        self._kubelets = kubelets

    async def get(self, request: Request, namespace: str, name: str) -> Answer:
        query = options(request, name, streams=self._streams)
        pod = await self._objects.get(PODS, name, namespace)
        container = containers.choose(pod, request.param("container"))
        node = (pod.get("spec") or {}).get("nodeName")
        if not node:
            return Response(HTTPStatus.NO_CONTENT, b"", "text/plain")
        path = f"/containerLogs/{namespace}/{name}/{container}"
        verify = not request.flag("insecureSkipTLSVerifyBackend")
        response = await self._kubelets.get(node, path, query, verify=verify)
        if not HTTPStatus.OK <= response.status <= HTTPStatus.PARTIAL_CONTENT:
            async with response:
                raise await kubelet.refusal("pods/log", name, response)
        if websocket.is_websocket(request):
            return _to_websocket(request, response)
        return StreamResponse(HTTPStatus.OK, "text/plain", _chunks(response))


def options(request: Request, name: str, *, streams: bool = False) -> Query:
    """PodLogOptions, checked, as a kubelet wants them."""
    problems: list[FieldError] = []
    numbers = {field: integer(request.query, field) for field in ("sinceSeconds", "tailLines", "limitBytes")}
    since, tail, limit = numbers["sinceSeconds"], numbers["tailLines"], numbers["limitBytes"]
    if tail is not None and tail < 0:
        problems.append(errors.invalid_value("tailLines", tail, "must be greater than or equal to 0"))
    if limit is not None and limit < 1:
        problems.append(errors.invalid_value("limitBytes", limit, "must be greater than 0"))
    since_time = _time(request)
    if since is not None and since_time:
        text = "at most one of `sinceTime` or `sinceSeconds` may be specified"
        problems.append(errors.field_forbidden("[]", text))
    elif since is not None and since < 1:
        problems.append(errors.invalid_value("sinceSeconds", since, "must be greater than 0"))
    stream = request.param("stream") or "All"
    if not streams and "stream" in request.query:
        problems.append(errors.field_forbidden("stream", "may not be specified"))
    elif stream not in STREAMS:
        problems.append(errors.not_supported("stream", stream, STREAMS))
    elif stream != "All" and tail is not None:
        text = "`tailLines` and specific `stream` are mutually exclusive for now"
        problems.append(errors.field_forbidden("", text))
    if problems:
        raise errors.invalid("PodLogOptions", "", name, problems)
    query = [(flag, "true") for flag in ("follow", "previous", "timestamps") if request.flag(flag)]
    query += [(field, str(value)) for field, value in numbers.items() if value is not None]
    if since_time:
        query.append(("sinceTime", since_time))
    if stream != "All":
        query.append(("stream", stream))
    return query


def _time(request: Request) -> str:
    text = request.param("sinceTime")
    if not text:
        return ""
    try:
        return format_time(parse_time(text))
    except ValueError as error:
        raise errors.bad_request(str(error)) from error


async def _chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The log as it comes; a kubelet that breaks off ends it."""
    async with response:
        with contextlib.suppress(aiohttp.ClientError, OSError):
            async for chunk in response.content.iter_any():
                yield chunk


def _to_websocket(request: Request, response: aiohttp.ClientResponse) -> Upgrade:
    offered = websocket.protocols_of(request)
    protocol = next((known for known in offered if known in (BINARY, BASE64)), "")

    async def run(raw: BaseRequest) -> AiohttpStream:
        async with response:
            socket = await websocket.accept(raw, protocol)
            with contextlib.suppress(aiohttp.ClientError, OSError):
                async for chunk in response.content.iter_any():
                    if protocol == BASE64:
                        await socket.send_str(base64.b64encode(chunk).decode())
                    else:
                        await socket.send_bytes(chunk)
            with contextlib.suppress(ConnectionError):
                await socket.close()
            return socket

    return Upgrade(run)
