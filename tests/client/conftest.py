"""A virtual clock and a transport that fails on demand."""

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from pynetes.apimachinery.errors import StatusError, expired
from pynetes.client.transport import TransportError, TransportRequest, TransportResponse, TransportStream


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time jumps to the next timer instead of passing."""

    _selector: Any
    _scheduled: list[Any]

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        real_select = self._selector.select
        self._selector.select = lambda timeout=None: self._jump(real_select, timeout)

    def time(self) -> float:
        return self._now

    def _jump(self, real_select: Callable[[float], Any], timeout: float | None) -> Any:
        ready = real_select(0)
        if not ready and timeout:
            self._now = max(self._now, heapq.nsmallest(1, self._scheduled)[0]._when)
        if not ready and timeout is None:
            raise RuntimeError("deadlock: nothing left to wait for")
        return ready


@pytest.fixture
def virtual() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Runs a coroutine on a virtual clock."""

    def run(coro: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(coro)

    return run


class FaultyServer:
    """One collection with list, watch and writes, as a Transport; its watches can be cut, expired and repeated."""

    def __init__(self) -> None:
        self.version = 1
        self.objects: dict[str, dict[str, Any]] = {}
        self.history: list[tuple[int, dict[str, Any]]] = []
        self.compacted = 0
        self.lists: list[dict[str, str]] = []
        self.watches: list[dict[str, str]] = []
        self.refuse: list[Exception | StatusError] = []
        self._streams: list[asyncio.Queue[bytes | Exception | None]] = []

    # -- what a test does

    def put(self, name: str, **spec: Any) -> None:
        self.version += 1
        kind = "MODIFIED" if name in self.objects else "ADDED"
        namespace = spec.pop("namespace", "default")
        meta = {"name": name, "namespace": namespace, "uid": f"uid-{name}", "resourceVersion": str(self.version)}
        meta["labels"] = spec.pop("labels", {})
        meta["managedFields"] = [{"manager": "test", "operation": "Update"}]
        self.objects[name] = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
        self._publish(kind, self.objects[name])

    def remove(self, name: str) -> None:
        self.version += 1
        obj = self.objects.pop(name)
        meta = {**obj["metadata"], "resourceVersion": str(self.version)}
        self._publish("DELETED", {**obj, "metadata": meta})

    def bookmark(self) -> None:
        self._publish("BOOKMARK", {"metadata": {"resourceVersion": str(self.version)}}, keep=False)

    def cut(self, error: Exception | None = None) -> None:
        """Ends all watches, with an error or as a server that has had enough."""
        for stream in self._streams:
            stream.put_nowait(error)
        self._streams = []

    def expire(self) -> None:
        """Forgets all history, as compaction does."""
        self.compacted = self.version
        self.history = []

    def send(self, data: bytes) -> None:
        for stream in self._streams:
            stream.put_nowait(data)

    def _publish(self, kind: str, obj: dict[str, Any], *, keep: bool = True) -> None:
        frame = {"type": kind, "object": obj}
        if keep:
            self.history.append((self.version, frame))
        self.send(orjson.dumps(frame) + b"\n")

    # -- Transport

    async def request(self, request: TransportRequest, *, timeout: float | None = None) -> TransportResponse:
        asked = dict(request.query)
        self.lists.append(asked)
        if self.refuse:
            error = self.refuse.pop(0)
            if not isinstance(error, StatusError):
                raise error
            return TransportResponse(error.code, {}, orjson.dumps(error.status()))
        names = sorted(self.objects)
        start = int(asked.get("continue") or 0)
        end = start + int(asked.get("limit") or len(names) or 1)
        meta: dict[str, Any] = {"resourceVersion": str(self.version)}
        if end < len(names):
            meta["continue"] = str(end)
        items = [
            {k: v for k, v in self.objects[n].items() if k not in ("kind", "apiVersion")} for n in names[start:end]
        ]
        body = {"apiVersion": "v1", "kind": "PodList", "metadata": meta, "items": items}
        return TransportResponse(200, {}, orjson.dumps(body))

    @asynccontextmanager
    async def stream(self, request: TransportRequest) -> AsyncIterator[TransportStream]:
        asked = dict(request.query)
        self.watches.append(asked)
        since = int(asked["resourceVersion"])
        if since < self.compacted:
            body = orjson.dumps({"type": "ERROR", "object": expired("too old resource version").status()}) + b"\n"
            yield TransportStream(200, {}, _once(body))
            return
        queue: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
        for version, frame in self.history:
            if version > since:
                queue.put_nowait(orjson.dumps(frame) + b"\n")
        self._streams.append(queue)
        yield TransportStream(200, {}, _drain(queue))

    async def close(self) -> None:
        self.cut()


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _drain(queue: "asyncio.Queue[bytes | Exception | None]") -> AsyncIterator[bytes]:
    while True:
        chunk = await queue.get()
        if chunk is None:
            return
        if isinstance(chunk, Exception):
            raise TransportError(str(chunk)) from chunk
        yield chunk


@pytest.fixture
def faulty_server() -> FaultyServer:
    return FaultyServer()
