"""watch: a stream of events, shared bytes where the client wants what is stored."""

import random
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus

import orjson

from pynetes.apimachinery import json_writer
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.protobuf import encoder as protobuf
from pynetes.apiserver.cacher import Frames, Watcher, WatchEvent
from pynetes.apiserver.cacher.measures import listed, sent
from pynetes.apiserver.encoding import PROTOBUF
from pynetes.apiserver.endpoints.output import message
from pynetes.apiserver.endpoints.read import revision_of
from pynetes.apiserver.endpoints.scope import Scope
from pynetes.apiserver.endpoints.selection import select
from pynetes.apiserver.endpoints.tables import Object, include_object, parse, partial, row, table
from pynetes.apiserver.http import Answer, Request, Response, StreamResponse
from pynetes.apiserver.negotiation import MediaType, negotiate
from pynetes.apiserver.options import ListOptions
from pynetes.apiserver.streaming import websocket
from pynetes.apiserver.streaming.watching import over_websocket
from pynetes.component import clock

EncodeObject = Callable[[WatchEvent], Object]


async def watch(scope: Scope, request: Request) -> Answer:
    info = request.info
    assert info is not None
    media = negotiate(request, scope.restriction, stream=True)
    if websocket.is_websocket(request) and "Origin" not in request.headers:
        return Response(HTTPStatus.FORBIDDEN, b"", "text/plain")
    options = ListOptions.of(request.query, watch=True)
    name = info.parts[1] if len(info.parts) > 1 else ""
    selection = select(scope, options, info.namespace, name)
    encode = _encoder(scope, request, media)
    asked = clock.monotonic()
    try:
        watcher = await scope.store.cacher.watch(
            selection.prefix,
            predicate=selection.predicate,
            revision=revision_of(request),
            send_initial_events=options.send_initial_events,
            bookmarks=options.allow_watch_bookmarks,
            timeout=options.timeout_seconds or _timeout(scope),
            field_value=selection.field_value,
        )
    except StatusError as error:
        if error.code != 410:
            raise
        return _answer(request, media, _error(media, error))
    if options.send_initial_events and options.allow_watch_bookmarks:
        watcher.on_begun(lambda: listed(_labels(scope), info.extent, clock.monotonic() - asked))
    if media.codec is PROTOBUF and media.transform is None:
        chunks = _messages(watcher, scope)
    else:
        chunks = _plain(watcher, scope) if encode is None else _encoded(watcher, scope, media, encode)
    return _answer(request, media, chunks)


def _answer(request: Request, media: MediaType, chunks: AsyncIterator[bytes]) -> Answer:
    stream = StreamResponse(HTTPStatus.OK, media.codec.watch_type, chunks)
    return over_websocket(request, stream, text=media.codec.text) if websocket.is_websocket(request) else stream


def _timeout(scope: Scope) -> float:
    """Watches without a timeout end some time between one and two times --min-request-timeout."""
    return scope.backend.config.min_request_timeout * (1 + random.random())


async def _plain(watcher: Watcher, scope: Scope) -> AsyncIterator[bytes]:
    labels = _labels(scope)
    async with watcher:
        async for frames in watcher:
            sent(labels, len(frames), len(frames.data))
            yield frames.data


async def _encoded(watcher: Watcher, scope: Scope, media: MediaType, encode: EncodeObject) -> AsyncIterator[bytes]:
    labels = _labels(scope)
    async with watcher:
        async for frames in watcher:
            data = _encode_frames(frames, media, encode)
            sent(labels, len(frames), len(data))
            yield data


async def _messages(watcher: Watcher, scope: Scope) -> AsyncIterator[bytes]:
    """Protobuf: each object is encoded once for all who watch it."""
    kind, labels = scope.resource.gvk, _labels(scope)
    async with watcher:
        async for frames in watcher:
            parts = []
            for event in frames:
                enveloped = protobuf.envelope(kind.api_version, kind.kind, message(scope, event.entry))
                parts.append(protobuf.encode_watch_event(event.type, enveloped))
            data = b"".join(parts)
            sent(labels, len(parts), len(data))
            yield data


def _labels(scope: Scope) -> tuple[str, str, str]:
    gvr = scope.resource.gvr
    return (gvr.group, gvr.version, gvr.resource)


def _encode_frames(frames: Frames, media: MediaType, encode: EncodeObject) -> bytes:
    return b"".join(frame(media, event.type, encode(event)) for event in frames)


def frame(media: MediaType, kind: str, obj: Object) -> bytes:
    if media.codec is PROTOBUF:
        return protobuf.encode_watch_event(kind, media.codec.encode(obj, False))
    event = {"type": kind, "object": obj}
    if media.codec.media_type == "application/yaml":
        return b"---\n" + media.codec.encode(event, False)
    return json_writer.encode(event, orjson.OPT_APPEND_NEWLINE)


async def _error(media: MediaType, error: StatusError) -> AsyncIterator[bytes]:
    yield frame(media, "ERROR", error.status())


def _encoder(scope: Scope, request: Request, media: MediaType) -> EncodeObject | None:
    """How an event's object is turned into what was asked for; None if stored bytes will do."""
    transform = media.transform
    if transform is None:
        if media.plain and not scope.converted:
            return None
        return lambda event: scope.served(parse(event.entry.bytes))
    if transform.kind == "Table":
        return _TableEvents(scope, include_object(request), transform.api_version)
    return lambda event: partial(scope.served(parse(event.entry.bytes)), transform.api_version)


class _TableEvents:
    """Each event a Table of one row; only the first names the columns."""

    def __init__(self, scope: Scope, include: str, api_version: str) -> None:
        self._scope = scope
        self._include = include
        self._api_version = api_version
        self._headers = True

    def __call__(self, event: WatchEvent) -> Object:
        obj = self._scope.served(parse(event.entry.bytes)) if event.type != "BOOKMARK" else parse(event.entry.bytes)
        metadata = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
        resource = self._scope.resource
        if event.type == "BOOKMARK":
            # The end of initial events is an annotation of the metadata, whatever rows include.
            empty = {"spec": {}, "status": {}, **obj}
            marker = {**row(resource, empty, "None", self._api_version), "object": partial(obj, self._api_version)}
            return table(resource, [marker], metadata, self._api_version, headers=self._take_headers())
        rows = [row(resource, obj, self._include, self._api_version)]
        return table(resource, rows, metadata, self._api_version, headers=self._take_headers())

    def _take_headers(self) -> bool:
        headers, self._headers = self._headers, False
        return headers
