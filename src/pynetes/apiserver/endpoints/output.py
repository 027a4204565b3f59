"""Objects and lists as the client asked for them: stored bytes as they are, or parsed, transformed and encoded."""

from collections.abc import Sequence
from typing import Any

import orjson

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.protobuf import encoder as protobuf
from pynetes.apis.resource import Column
from pynetes.apiserver.cacher import Entry, Listing
from pynetes.apiserver.encoding import PROTOBUF
from pynetes.apiserver.endpoints.scope import Scope
from pynetes.apiserver.endpoints.tables import include_object, parse, partial, row, table, untyped
from pynetes.apiserver.http import Request, Response
from pynetes.apiserver.negotiation import MediaType, Transform
from pynetes.component import clock

Object = dict[str, Any]


#: Entries encoded between two turns of the loop.
_AT_ONCE = 100


def message(scope: Scope, entry: Entry) -> bytes:
    """A stored object's protobuf message in the path's version. Kept with the entry: many watchers want it."""
    kind = scope.resource.gvk

    def make(entry: Entry) -> bytes:
        name = protobuf.message_name(kind.api_version, kind.kind)
        return protobuf.encode_message(name, scope.served(parse(entry.bytes)))

    return entry.memo(("protobuf", kind.api_version), make)


def entry_response(scope: Scope, request: Request, media: MediaType, entry: Entry, status: int = 200) -> Response:
    """One stored object."""
    if media.plain and not scope.converted:
        return Response(status, entry.bytes + b"\n")
    if media.codec is PROTOBUF and media.transform is None:
        kind = scope.resource.gvk
        data = protobuf.envelope(kind.api_version, kind.kind, message(scope, entry))
        return Response(status, data, media.codec.media_type)
    return object_response(scope, request, media, scope.served(parse(entry.bytes)), status)


def object_response(
    scope: Scope,
    request: Request,
    media: MediaType,
    obj: Object,
    status: int = 200,
    *,
    columns: Sequence[Column] | None = None,
) -> Response:
    """One object in the path's version; `columns` of its table if they are not the resource's."""
    if media.transform is not None and obj.get("kind") != "Status":
        obj = _transform_object(scope, request, media.transform, obj, columns)
    return Response(status, media.codec.encode(obj, media.pretty), media.codec.media_type)


def _transform_object(
    scope: Scope, request: Request, transform: Transform, obj: Object, columns: Sequence[Column] | None
) -> Object:
    if transform.kind == "Table":
        rows = [row(scope.resource, obj, include_object(request), transform.api_version, columns)]
        version = (obj.get("metadata") or {}).get("resourceVersion", "")
        return table(scope.resource, rows, {"resourceVersion": version}, transform.api_version, columns=columns)
    if transform.kind == "PartialObjectMetadata":
        return partial(obj, transform.api_version)
    if scope.resource.schema is not None:
        raise StatusError(500, "", "content is not a list")
    found = _go_type(scope, obj.get("kind", ""))
    text = f"you requested PartialObjectMetadataList, but the requested object is not a list ({found})"
    raise StatusError(406, "NotAcceptable", text)


def _go_type(scope: Scope, kind: str) -> str:
    """How the original's messages call what it holds."""
    if scope.resource.schema is not None:
        return "*unstructured.Unstructured" + ("List" if kind == scope.resource.list_kind else "")
    package = scope.resource.gvk.group.partition(".")[0]
    return f"*{_PACKAGES.get(package, package)}.{kind}"


#: Where their name is not the group's first word.
_PACKAGES = {"": "core", "events": "core", "internal": "apiserverinternal"}


async def list_response(scope: Scope, request: Request, media: MediaType, listing: Listing) -> Response:
    """A list; in the plain form the items' stored bytes are joined, nothing is parsed."""
    kind, api_version = scope.resource.list_kind, scope.resource.gvk.api_version
    metadata = list_metadata(listing)
    typed = scope.resource.schema is None
    if not typed and media.transform is None:
        metadata = {"continue": "", **metadata}  # lists without a type of their own always say it
    if media.plain and not scope.converted:
        head = orjson.dumps({"kind": kind, "apiVersion": api_version, "metadata": metadata})
        items = listing.typed_items if typed else listing.items
        return Response(200, b'%b,"items":[%b]}\n' % (head[:-1], items))
    if media.codec is PROTOBUF and media.transform is None:
        return await _protobuf_list(scope, listing)
    objects = (scope.served(parse(entry.bytes)) for entry in listing.entries)
    transform = media.transform
    out: Object
    if transform is None:
        found = [untyped(obj) for obj in objects] if typed else list(objects)
        out = {"kind": kind, "apiVersion": api_version, "metadata": metadata, "items": found}
    elif transform.kind == "Table":
        include = include_object(request)
        order = scope.resource.row_order
        shown = sorted(objects, key=order) if order else objects
        rows = (row(scope.resource, obj, include, transform.api_version) for obj in shown)
        out = table(scope.resource, rows, metadata, transform.api_version)
    elif transform.kind == "PartialObjectMetadataList":
        parts = [partial(obj, transform.api_version) for obj in objects]
        out = {
            "kind": transform.kind,
            "apiVersion": transform.api_version,
            "metadata": metadata,
            "items": parts or None,
        }
    else:
        text = f"you requested PartialObjectMetadata, but the requested object is a list ({_go_type(scope, kind)})"
        raise StatusError(406, "NotAcceptable", text)
    return Response(200, media.codec.encode(out, media.pretty), media.codec.media_type)


async def _protobuf_list(scope: Scope, listing: Listing) -> Response:
    """Items are encoded in parts: a long list must not keep others waiting."""
    items = []
    for first in range(0, len(listing.entries), _AT_ONCE):
        items += [message(scope, entry) for entry in listing.entries[first : first + _AT_ONCE]]
        await clock.sleep(0)
    kind = scope.resource.gvk
    data = protobuf.encode_list(kind.api_version, kind.kind + "List", list_metadata(listing), items)
    return Response(200, data, PROTOBUF.media_type)


def list_metadata(listing: Listing) -> Object:
    metadata: Object = {"resourceVersion": str(listing.revision)}
    if listing.continue_:
        metadata["continue"] = listing.continue_
    if listing.remaining is not None and listing.remaining > 0:
        metadata["remainingItemCount"] = listing.remaining
    return metadata
