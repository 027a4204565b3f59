"""/openapi/v2 and /openapi/v3: the documents of `apiserver.openapi`, cached by clients through their hash."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import orjson
from msgspec import Struct, field

from pynetes.apis.resource import Resource
from pynetes.apiserver.endpoints.conditions import conditional
from pynetes.apiserver.endpoints.router import Router
from pynetes.apiserver.http import Answer, Handler, Request, Response
from pynetes.apiserver.negotiation import choose
from pynetes.apiserver.openapi import gnostic, gnostic3, v2, v3
from pynetes.component import clock
from pynetes.component.aside import LARGE, aside

_FOREVER = "public, immutable"
_VARY = "Accept-Encoding, Accept"
_JSON = "application/json"

Definitions = dict[str, dict[str, Any]]


class Described(Struct, frozen=True):
    """What another server describes: entries of the v3 index, whose documents `handler` brings, and a part of v2."""

    index: dict[str, Any]
    handler: Handler
    v2: dict[str, Any] = field(default_factory=dict)
    v2_hash: str = ""


class OpenAPI:
    """The documents at their paths in a router; what was written is kept until the served resources change."""

    def __init__(self, router: Router, built_in: Sequence[Resource]) -> None:
        self._elsewhere: dict[str, Described] = {}
        self._v2 = v2.Document(built_in)
        self._v3 = v3.Documents(built_in)
        self._index: bytes | None = None
        self._modified = clock.now()
        router.add_path("/openapi/v2", self._serve_v2)
        router.add_prefix("/openapi/v3/", self._serve_v3)
        router.add_path("/openapi/v3", self._serve_index)
        router.add_path("/openapi/v3/", self._serve_v3)

    def update(self, custom: Sequence[tuple[Resource, Definitions, Definitions]]) -> None:
        """Custom resources, each with its definitions for v2 and v3."""
        self._v3.update([(resource, own) for resource, _, own in custom])
        self._v2.update([(resource, own) for resource, own, _ in custom])
        self._changed()

    def extend(self, others: Sequence[Described]) -> None:
        """What other servers describe."""
        self._elsewhere = {path: other for other in others for path in other.index}
        self._v2.extend([(other.v2_hash, other.v2) for other in others if other.v2])
        self._changed()

    def _changed(self) -> None:
        self._index = None
        self._modified = clock.now()

    async def _serve_index(self, request: Request) -> Answer:
        """JSON, whatever is asked for; the original does not name it.

        It counts as new each time: without a tag, clients would take two changes within a second for one.
        """
        if self._index is None:
            own = self._v3.index()
            paths = {**own, **{path: other.index[path] for path, other in self._elsewhere.items()}}
            self._index = orjson.dumps({"paths": {path: paths[path] for path in sorted(paths)}})
        return conditional(request, Response(200, self._index, "text/plain; charset=utf-8"), clock.now())

    async def _serve_v3(self, request: Request) -> Answer:
        """Below `/openapi/v3/`. A request that names the right hash gets an answer that never expires."""
        group_version = request.path.removeprefix("/openapi/v3/")
        if (other := self._elsewhere.get(group_version)) is not None:
            return await other.handler(request)
        document = self._v3.find(group_version)
        if document is None:
            return Response(404, b"", "")
        found = choose(request, (_JSON, *gnostic3.ACCEPTED))
        if found is None:
            return Response(406, b"", "", {"Vary": "Accept"})
        current = document.hash
        wanted = request.param("hash")
        headers = {"Vary": "Accept", "ETag": f'"{current}"'}
        if wanted and wanted != current:
            return Response(
                301,
                b"",
                _JSON if found == _JSON else gnostic3.MEDIA_TYPE,
                {**headers, "Location": f"{request.path}?hash={current}"},
            )
        if wanted:
            headers |= {"Cache-Control": _FOREVER, "Expires": _next_year()}
        form, media = ("json", _JSON) if found == _JSON else ("protobuf", gnostic3.MEDIA_TYPE)
        answer = Response(200, await _written(document, form), media, headers)
        return conditional(request, answer, self._modified)

    async def _serve_v2(self, request: Request) -> Answer:
        found = choose(request, (_JSON, *gnostic.ACCEPTED))
        if found is None:
            return Response(406, b"", "", {"Vary": _VARY})
        current = self._v2.current
        headers = {"ETag": f'"{current.hash}"', "Vary": _VARY}
        form, media = ("json", _JSON) if found == _JSON else ("protobuf", gnostic.MEDIA_TYPE)
        answer = Response(200, await _written(current, form), media, headers)
        return conditional(request, answer, self._modified)


async def _written(document: v2.Version | v3.Document, form: str) -> bytes:
    """A form of a document, `json` or `protobuf`: written aside, as it takes hundreds of milliseconds, or at hand."""
    if form in vars(document):
        return bytes(getattr(document, form))
    return await aside(lambda: bytes(getattr(document, form)), LARGE)


def _next_year() -> str:
    return (clock.now() + timedelta(days=365)).strftime("%a, %d %b %Y %H:%M:%S UTC")
