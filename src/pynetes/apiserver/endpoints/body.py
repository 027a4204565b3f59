"""Bodies of requests as objects: JSON, YAML or protobuf, checked against the kind's schema."""

from collections.abc import Callable
from typing import Any

from pynetes.apimachinery import codec as codecs
from pynetes.apimachinery import json_writer
from pynetes.apimachinery.errors import StatusError, bad_request
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.protobuf import decoder as protobuf
from pynetes.apimachinery.structural.objectschema import ObjectSchema
from pynetes.apiserver.encoding import JSON
from pynetes.apiserver.endpoints.specs import Specs
from pynetes.apiserver.http import Request
from pynetes.apiserver.negotiation import input_type
from pynetes.apiserver.options import WriteOptions
from pynetes.component.aside import aside

Object = dict[str, Any]


async def decode_as(
    kind: GroupVersionKind,
    request: Request,
    options: WriteOptions,
    schema: ObjectSchema | None = None,
    *,
    default: Callable[[Object], None] | None = None,
    specs: Specs | None = None,
) -> Object:
    """The body as an object of `kind`, with metadata; `schema` is a custom resource's. StatusError 400, 413, 415.

    With what `default` fills in; `specs` knows what that makes of specs that come again.
    """
    content_type = input_type(request)
    body = await request.read_body()
    request.size = len(body)
    if content_type == protobuf.MEDIA_TYPE and schema is not None:
        raise _no_protobuf(kind)

    def decode() -> tuple[Object, list[str]]:
        is_protobuf = content_type == protobuf.MEDIA_TYPE
        text = _json(body, kind) if is_protobuf else body
        text_type = JSON.media_type if is_protobuf else content_type
        known = specs.decode(text) if specs is not None and text_type == JSON.media_type else None
        if known is not None:
            return known, []
        obj, found = codecs.decode(
            text, kind, content_type=text_type, validation=options.field_validation, schema=schema
        )
        if obj.get("metadata") is None:
            obj["metadata"] = {}
        if default is not None:
            default(obj)
        return obj, found

    obj, warnings = await aside(decode, request.size)
    request.warnings += warnings
    if request.note is not None:
        request.note(obj, kind)
    return obj


def _json(body: bytes, kind: GroupVersionKind) -> bytes:
    """A protobuf body as JSON; StatusError 400."""
    try:
        return from_protobuf(body, kind)
    except protobuf.ProtobufError as error:
        if error.kind is not None:
            raise codecs.cannot_handle(error.kind, kind, str(error)) from None
        raise codecs.unrecognized(kind, str(error) if body else "empty data", body) from None


def _no_protobuf(kind: GroupVersionKind) -> StatusError:
    """Custom resources have no protobuf form."""
    why = (
        "object *unstructured.Unstructured does not implement the protobuf marshalling interface and cannot be encoded "
        "to a protobuf message"
    )
    return bad_request(f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {why}')


def from_protobuf(body: bytes, kind: GroupVersionKind) -> bytes:
    """The same object as JSON. ProtobufError."""
    return json_writer.encode(protobuf.decode(body, kind))
