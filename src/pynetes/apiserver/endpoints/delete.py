"""delete and deletecollection."""

from typing import Any

from pynetes.apimachinery import codec as codecs
from pynetes.apimachinery import json_text, yaml_text
from pynetes.apimachinery.errors import StatusError, bad_request
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.protobuf.decoder import MEDIA_TYPE as PROTOBUF
from pynetes.apimachinery.protobuf.decoder import ProtobufError
from pynetes.apimachinery.schema.checker import DecodeError
from pynetes.apiserver.endpoints.body import from_protobuf
from pynetes.apiserver.endpoints.output import entry_response, list_response
from pynetes.apiserver.endpoints.read import listed
from pynetes.apiserver.endpoints.scope import Scope
from pynetes.apiserver.endpoints.selection import select
from pynetes.apiserver.http import Answer, Request, Response
from pynetes.apiserver.negotiation import input_type, negotiate
from pynetes.apiserver.options import DeleteOptions, ListOptions
from pynetes.apiserver.registry.collection import delete_collection as delete_objects
from pynetes.apiserver.registry.deletion import delete_object

_DELETE_OPTIONS = GroupVersionKind("", "v1", "DeleteOptions")
#: What the original makes of them, and shows in the audit log.
_INTERNAL = GroupVersionKind("meta.k8s.io", "__internal", "DeleteOptions")
_TYPE = frozenset(("apiVersion", "kind"))
#: Where the original keeps the types of options, and what it first makes of a body.
_SCHEME = "pkg/apis/meta/internalversion/scheme/register.go:27"
_TYPE_META = r'struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }'
#: What the schema knows as a string, and Go by a name of its own.
_POLICY = "DeleteOptions.propagationPolicy of type "


async def delete_options(request: Request) -> DeleteOptions:
    """From the body if there is one, else from the query."""
    body = await request.read_body()
    if not body:
        return DeleteOptions.of(request.query, None)
    content_type = input_type(request)
    try:
        if content_type == PROTOBUF:
            raw: Any = json_text.parse(from_protobuf(body, _DELETE_OPTIONS))
        elif content_type == "application/yaml":
            raw = yaml_text.parse(body)[0]
        else:
            raw = json_text.parse(body)
    except json_text.SyntaxProblem as error:
        raise _untyped(str(error)) from None
    except (ProtobufError, DecodeError) as error:
        raise bad_request(str(error)) from None
    options = _checked({} if raw is None else raw)
    if request.note is not None:
        request.note({field: value for field, value in options.items() if field not in _TYPE}, _INTERNAL)
    return DeleteOptions.of({}, options)


def _untyped(why: str) -> StatusError:
    return bad_request(f"couldn't get version/kind; json parse error: {why}")


def _checked(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict):
        shape = {list: "array", str: "string", bool: "bool"}.get(type(raw), "number")
        raise _untyped(f"json: cannot unmarshal {shape} into Go value of type {_TYPE_META}")
    kind = raw.get("kind") or "DeleteOptions"
    if kind != "DeleteOptions":
        version = raw.get("apiVersion") or "v1"
        raise bad_request(f'no kind "{kind}" is registered for version "{version}" in scheme "{_SCHEME}"')
    try:
        return codecs.check(raw, _DELETE_OPTIONS)[0]
    except ValueError as error:
        raise bad_request(str(error).replace(f"{_POLICY}string", f"{_POLICY}v1.DeletionPropagation")) from None


def _warn(scope: Scope, request: Request, options: DeleteOptions) -> None:
    warning = scope.resource.strategy.deletion_warning
    if warning and options.propagation_policy is None and options.orphan_dependents is None:
        request.warnings.append(warning)


async def delete(scope: Scope, request: Request) -> Answer:
    info = request.info
    assert info is not None
    media = negotiate(request, scope.restriction)
    options = await delete_options(request)
    _warn(scope, request, options)
    ctx = scope.context(request, options.dry_run, raw=options.raw)
    deleted = await delete_object(scope.store, ctx, info.namespace, info.name, options)
    status = 202 if not deleted.gone and options.orphan_dependents is False else 200
    if deleted.entry is not None:
        return entry_response(scope, request, media, deleted.entry, status)
    return Response(status, media.codec.encode(deleted.status, media.pretty), media.codec.media_type)


async def delete_collection(scope: Scope, request: Request) -> Answer:
    info = request.info
    assert info is not None
    media = negotiate(request, scope.restriction)
    listing = ListOptions.of(request.query)
    options = await delete_options(request)
    selection = select(scope, listing, info.namespace, "")
    ctx = scope.context(request, options.dry_run, raw=options.raw)
    ctx.collective = True
    found = await listed(scope, listing, selection, pages=True)
    _warn(scope, request, options)
    await delete_objects(scope.store, ctx, found, options)
    return await list_response(scope, request, media, found)
