"""`/containerLogs`: what `kubectl logs` reads."""

from collections.abc import Iterable

from aiohttp import web
from multidict import MultiMapping

from pynetes.apimachinery import times
from pynetes.component import clock
from pynetes.kubelet import logs
from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.cri.channel import CRIError
from pynetes.kubelet.cri.runtime import RuntimeService
from pynetes.kubelet.logs import LogError, LogOptions
from pynetes.kubelet.pod import find_container
from pynetes.kubelet.server.host import Host

_UNDECODABLE = '{"message": "Unable to decode query."}'
_INVALID = '{"message": "Invalid request."}'


def parse_options(query: MultiMapping[str], now: float) -> tuple[LogOptions, bool]:
    """The options and whether the previous container is meant. Raises HTTPBadRequest, HTTPUnprocessableEntity."""
    try:
        tail, limit = _number(query, "tailLines"), _number(query, "limitBytes")
        since_seconds = _number(query, "sinceSeconds")
        since_time = times.parse_time(query["sinceTime"]).timestamp() if query.get("sinceTime") else None
        flags = {name: _flag(query, name) for name in ("follow", "previous", "timestamps")}
    except ValueError:
        raise web.HTTPBadRequest(text=_UNDECODABLE) from None
    if query.get("tail"):  # the name it had before v1
        tail = None if query["tail"] == "all" else _number(query, "tail")
    stream = query.get("stream") or "All"
    if (
        (tail is not None and tail < 0)
        or (limit is not None and limit < 1)
        or (since_seconds is not None and (since_seconds < 1 or since_time is not None))
        or stream not in ("All", "Stdout", "Stderr")
        or (stream != "All" and tail is not None)
    ):
        raise web.HTTPUnprocessableEntity(text=_INVALID)
    since = now - since_seconds if since_seconds is not None else since_time
    options = LogOptions(tail, limit, since, flags["follow"], flags["timestamps"], stream)
    return options, flags["previous"]


def _number(query: MultiMapping[str], name: str) -> int | None:
    value = query.get(name)
    return int(value) if value else None


def _flag(query: MultiMapping[str], name: str) -> bool:
    value = query.get(name, "false").lower()
    if value in ("", "1", "t", "true"):
        return True
    if value in ("0", "f", "false"):
        return False
    raise ValueError(value)


class ContainerLogs:
    def __init__(self, host: Host, runtime: RuntimeService) -> None:
        self._host, self._runtime = host, runtime

    def routes(self) -> Iterable[web.RouteDef]:
        yield web.get("/containerLogs/{namespace}/{pod}/{container}", self.get)

    async def get(self, request: web.Request) -> web.StreamResponse:
        options, previous = parse_options(request.query, clock.time_seconds())
        name, container = request.match_info["pod"], request.match_info["container"]
        pod = self._host.pod(request.match_info["namespace"], name)
        if pod is None:
            raise web.HTTPNotFound(text=f'pod "{name}" does not exist')
        if find_container(pod, container) is None:
            raise web.HTTPNotFound(text=f'container "{container}" not found in pod "{name}"')
        try:
            container_id = logs.container_id_for(pod, container, previous=previous)
            path = await self._path(container_id)
            pieces = logs.read(path, options, running=lambda: self._is_running(container_id))
            first = await anext(pieces, b"") if not options.follow else b""
        except LogError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        response = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        try:
            if first:
                await response.write(first)
            async for piece in pieces:
                await response.write(piece)
        except LogError as error:
            await response.write(f"{error}\n".encode())
        finally:
            await pieces.aclose()  # type: ignore[attr-defined]
        await response.write_eof()
        return response

    async def _path(self, container_id: str) -> str:
        try:
            return (await self._runtime.container_status(container_id)).status.log_path
        except CRIError:
            raise LogError(f"unable to retrieve container logs for containerd://{container_id}") from None

    async def _is_running(self, container_id: str) -> bool:
        try:
            status = (await self._runtime.container_status(container_id)).status
        except CRIError as error:
            return error.unavailable  # a runtime that is away leaves its containers running
        return status.state == pb.CONTAINER_RUNNING
