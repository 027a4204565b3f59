"""/openapi/v2 and /openapi/v3: the documents of `apiserver.openapi`, cached by clients through their hash."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pynetes.apimachinery.errors import not_acceptable
from pynetes.apis.resource import Resource
from pynetes.apiserver.endpoints.router import Router
from pynetes.apiserver.http import Answer, Handler, Request, Response
from pynetes.apiserver.negotiation import MediaType, negotiate
from pynetes.apiserver.openapi import gnostic, v2, v3

_FOREVER = "public, immutable"
_EXPIRES = "Thu, 31 Dec 2099 23:59:59 GMT"
_JSON = "application/json"

Definitions = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Described:
    """What another server describes: entries of the v3 index, whose documents `handler` brings, and a part of v2."""

    index: dict[str, Any]
    handler: Handler
    v2: dict[str, Any] = field(default_factory=dict)
    v2_hash: str = ""


class OpenAPI:
    """The documents at their paths in a router; what was written is kept until the served resources change."""

    def __init__(self, router: Router, built_in: Sequence[Resource]) -> None:
        self._built_in = tuple(built_in)
        self._resources = self._built_in
        self._extra: Definitions = {}
        self._elsewhere: dict[str, Described] = {}
        self._v2 = v2.Document(built_in)
        self._index: dict[str, Any] | None = None
        self._hashes: dict[str, str] = {}
        router.add_path("/openapi/v2", self._serve_v2)
        router.add_prefix("/openapi/v3", self._serve_v3)
        router.add_path("/openapi/v3", self._serve_index)

    def update(self, custom: Sequence[tuple[Resource, Definitions, Definitions]]) -> None:
        """Custom resources, each with its definitions for v2 and v3."""
        self._resources = (*self._built_in, *(resource for resource, _, _ in custom))
        self._extra = {name: schema for _, _, own in custom for name, schema in own.items()}
        self._v2.update([(resource, own) for resource, own, _ in custom])
        self._index = None
        self._hashes.clear()

    def extend(self, others: Sequence[Described]) -> None:
        """What other servers describe."""
        self._elsewhere = {path: other for other in others for path in other.index}
        self._v2.extend([(other.v2_hash, other.v2) for other in others if other.v2])
        self._index = None

    async def _serve_index(self, request: Request) -> Answer:
        media = negotiate(request, "text")
        if self._index is None:
            own = v3.index(self._resources, self._extra)["paths"]
            paths = {**own, **{path: other.index[path] for path, other in self._elsewhere.items()}}
            self._index = {"paths": {path: paths[path] for path in sorted(paths)}}
        return _document(media, self._index)

    async def _serve_v3(self, request: Request) -> Answer:
        """Below `/openapi/v3/`. A request that names the right hash gets an answer that never expires."""
        group_version = request.path.removeprefix("/openapi/v3/").strip("/")
        if (other := self._elsewhere.get(group_version)) is not None:
            return await other.handler(request)
        _require_json(request)
        body = v3.document(group_version, self._resources, self._extra)
        current = self._hashes.get(group_version)
        if current is None:
            current = v3.document_hash(group_version, self._resources, self._extra)
            self._hashes[group_version] = current
        wanted = request.param("hash")
        if wanted and wanted != current:
            location = f"{request.path}?hash={current}"
            return Response(301, b"", _JSON, {"Location": location})
        headers = {"ETag": f'"{current}"', "Vary": "Accept"}
        if wanted:
            headers |= {"Cache-Control": _FOREVER, "Expires": _EXPIRES}
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return Response(304, b"", _JSON, headers)
        return Response(200, body, _JSON, headers)

    async def _serve_v2(self, request: Request) -> Answer:
        as_protobuf = _wants_protobuf(request)
        if not as_protobuf:
            _require_json(request)
        etag = f'"{self._v2.hash}"'
        headers = {"ETag": etag, "Vary": "Accept", "Cache-Control": "no-cache, private"}
        if request.headers.get("If-None-Match") == etag:
            return Response(304, b"", _JSON, headers)
        if as_protobuf:
            return Response(200, self._v2.protobuf(), gnostic.MEDIA_TYPE, headers)
        return Response(200, self._v2.json(), _JSON, headers)


def _wants_protobuf(request: Request) -> bool:
    """Of the forms this document has, the one that is named first."""
    for clause in request.headers.get("Accept", "").split(","):
        media = clause.partition(";")[0].strip()
        if media in gnostic.ACCEPTED:
            return True
        if media in (_JSON, "application/*", "*/*"):
            return False
    return False


def _require_json(request: Request) -> None:
    if negotiate(request, "text").codec.media_type != _JSON:
        raise not_acceptable((_JSON,))


def _document(media: MediaType, document: dict[str, Any]) -> Response:
    return Response(200, media.codec.encode(document, media.pretty), media.codec.media_type)
