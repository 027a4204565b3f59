"""/openapi/v2 and /openapi/v3: the documents of `apiserver.openapi`, cached by clients through their hash."""

from collections.abc import Sequence
from typing import Any

from pynetes.apimachinery.errors import not_acceptable
from pynetes.apis.resource import Resource
from pynetes.apiserver.http import Answer, Handler, Request, Response
from pynetes.apiserver.negotiation import MediaType, negotiate
from pynetes.apiserver.openapi import gnostic, v2, v3

_FOREVER = "public, immutable"
_EXPIRES = "Thu, 31 Dec 2099 23:59:59 GMT"
_JSON = "application/json"


def v3_index(resources: Sequence[Resource]) -> Handler:
    async def handle(request: Request) -> Answer:
        media = negotiate(request, "text")
        return _document(media, v3.index(resources))

    return handle


def v3_document(resources: Sequence[Resource]) -> Handler:
    """Below `/openapi/v3/`. A request that names the right hash gets an answer that never expires."""

    async def handle(request: Request) -> Answer:
        _require_json(request)
        group_version = request.path.removeprefix("/openapi/v3/").strip("/")
        body = v3.document(group_version, resources)
        current = v3.document_hash(group_version, resources)
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

    return handle


def v2_document(resources: Sequence[Resource]) -> Handler:
    async def handle(request: Request) -> Answer:
        as_protobuf = _wants_protobuf(request)
        if not as_protobuf:
            _require_json(request)
        etag = f'"{v2.document_hash(resources)}"'
        headers = {"ETag": etag, "Vary": "Accept", "Cache-Control": "no-cache, private"}
        if request.headers.get("If-None-Match") == etag:
            return Response(304, b"", _JSON, headers)
        if as_protobuf:
            return Response(200, v2.protobuf(resources), gnostic.MEDIA_TYPE, headers)
        return Response(200, v2.document(resources), _JSON, headers)

    return handle


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
