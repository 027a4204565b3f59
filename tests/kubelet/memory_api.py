"""An API server in memory, as a client's transport: objects, subresources, watches; what a kubelet asks of one."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson

from pynetes.apimachinery.errors import StatusError, already_exists, conflict, not_found
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.patch import merge_patch, strategic
from pynetes.client.rest import Client
from pynetes.client.transport import TransportRequest, TransportResponse, TransportStream

Object = dict[str, Any]
#: Answers a POST that creates nothing (reviews, tokens).
Review = Callable[[str, Object], Object]


class MemoryAPI:
    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.version = 0
        self.requests: list[tuple[str, str, Object | None]] = []
        self.reviews: dict[str, Review] = {}
        self.refuse: StatusError | None = None
        self._changed = asyncio.Event()
        self._watchers: dict[str, list[tuple[str, asyncio.Queue[bytes]]]] = defaultdict(list)

    @property
    def client(self) -> Client:
        return Client(self)

    # -- what a test does

    def put(self, path: str, obj: Object) -> Object:
        """Stores an object at its path and tells the watchers."""
        known = path in self.objects
        self.version += 1
        name = path.rsplit("/", 1)[1]
        meta = {**obj.get("metadata", {}), "name": name, "resourceVersion": str(self.version)}
        meta.setdefault("uid", f"uid-{name}")
        parts = path.split("/")
        if "namespaces" in parts[:-2]:
            meta["namespace"] = parts[parts.index("namespaces") + 1]
        stored = {**obj, "metadata": meta}
        self.objects[path] = stored
        self._tell("MODIFIED" if known else "ADDED", path, stored)
        return stored

    def remove(self, path: str) -> None:
        self._tell("DELETED", path, self.objects.pop(path))

    def writes(self, path: str) -> list[Object | None]:
        """Bodies of the writes to a path."""
        return [body for method, at, body in self.requests if at == path and method != "GET"]

    async def until(self, done: Callable[[], Any]) -> None:
        """Waits for requests or changes to make `done` true."""
        async with asyncio.timeout(60):
            while not done():
                self._changed.clear()
                await self._changed.wait()

    def _tell(self, kind: str, path: str, obj: Object) -> None:
        collection, name = path.rsplit("/", 1)
        frame = orjson.dumps({"type": kind, "object": obj}) + b"\n"
        self._changed.set()
        for wanted, queue in self._watchers[collection]:
            if wanted in ("", name):
                queue.put_nowait(frame)

    # -- Transport

    async def request(self, request: TransportRequest, *, timeout: float | None = None) -> TransportResponse:
        data = orjson.loads(request.body) if request.body else None
        self.requests.append((request.method, request.path, data))
        self._changed.set()
        try:
            if self.refuse is not None:
                raise self.refuse
            code, answer = self._answer(request.method, request.path, dict(request.query), data)
        except StatusError as error:
            return TransportResponse(error.code, {}, orjson.dumps(error.status()))
        return TransportResponse(code, {}, orjson.dumps(answer))

    def _answer(self, method: str, path: str, query: dict[str, str], data: Any) -> tuple[int, Object]:
        for suffix, review in self.reviews.items():
            if method == "POST" and path.endswith(suffix):
                return 201, review(path, data)
        if method == "POST":
            path = f"{path}/{data['metadata']['name']}"
            if path in self.objects:
                raise already_exists(path.split("/")[-2], data["metadata"]["name"])
            return 201, self.put(path, data)
        path = path.removesuffix("/status")
        if method == "GET" and path not in self.objects and self._is_collection(path):
            return 200, self._list(path, query)
        if path not in self.objects:
            raise not_found(path.split("/")[-2], path.split("/")[-1])
        if method == "PUT":
            if data["metadata"].get("resourceVersion") not in (None, self.objects[path]["metadata"]["resourceVersion"]):
                raise conflict(path.split("/")[-2], path.split("/")[-1])
            return 200, self.put(path, data)
        if method == "PATCH":
            return 200, self.put(path, self._patched(self.objects[path], data))
        return 200, self.objects[path]

    def _patched(self, obj: Object, patch: Object) -> Object:
        if "status" in patch:
            return strategic.apply(obj, patch, GroupVersionKind.of(obj))
        return merge_patch.apply(obj, patch)

    def _is_collection(self, path: str) -> bool:
        parts = path.strip("/").split("/")[2 if path.startswith("/api/") else 3 :]
        return len(parts) % 2 == 1

    def _list(self, path: str, query: dict[str, str]) -> Object:
        name = query.get("fieldSelector", "").removeprefix("metadata.name=")
        items = [o for p, o in self.objects.items() if p.rsplit("/", 1)[0] == path and name in ("", p.rsplit("/")[-1])]
        meta = {"resourceVersion": str(self.version)}
        return {"kind": "List", "apiVersion": "v1", "metadata": meta, "items": items}

    @asynccontextmanager
    async def stream(self, request: TransportRequest) -> AsyncIterator[TransportStream]:
        name = dict(request.query).get("fieldSelector", "").removeprefix("metadata.name=")
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        entry = (name, queue)
        self._watchers[request.path].append(entry)
        try:
            yield TransportStream(200, {}, _drain(queue))
        finally:
            self._watchers[request.path].remove(entry)

    async def close(self) -> None:
        pass


async def _drain(queue: asyncio.Queue[bytes]) -> AsyncIterator[bytes]:
    while True:
        yield await queue.get()
