"""delete and deletecollection."""

from typing import Any

import yaml

from pynetes.apimachinery.errors import bad_request
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.protobuf.decoder import MEDIA_TYPE as PROTOBUF
from pynetes.apiserver.endpoints.body import from_protobuf
from pynetes.apiserver.endpoints.output import entry_response, list_response
from pynetes.apiserver.endpoints.scope import Scope
from pynetes.apiserver.endpoints.selection import select
from pynetes.apiserver.http import Answer, Request, Response
from pynetes.apiserver.negotiation import input_type, negotiate
from pynetes.apiserver.options import DeleteOptions, ListOptions, parse_json_options
from pynetes.apiserver.registry.collection import delete_collection as delete_objects

_DELETE_OPTIONS = GroupVersionKind("", "v1", "DeleteOptions")
_FIELD_TYPES: dict[str, tuple[type, ...]] = {
    "gracePeriodSeconds": (int,),
    "propagationPolicy": (str,),
    "orphanDependents": (bool,),
    "dryRun": (list,),
    "preconditions": (dict,),
}


async def delete_options(request: Request) -> DeleteOptions:
    """From the body if there is one, else from the query."""
    body = await request.read_body()
    if not body:
        return DeleteOptions.of(request.query, None)
    content_type = input_type(request)
    if content_type == PROTOBUF:
        raw = parse_json_options(from_protobuf(body, _DELETE_OPTIONS))
    elif content_type == "application/yaml":
        try:
            raw = yaml.safe_load(body)
        except yaml.YAMLError as error:
            raise bad_request(f"error converting YAML to JSON: {error}") from None
        if not isinstance(raw, dict):
            raise bad_request("decoded object cannot be converted to DeleteOptions")
    else:
        raw = parse_json_options(body)
    return DeleteOptions.of({}, _checked(raw))


def _checked(raw: dict[str, Any]) -> dict[str, Any]:
    kind = raw.get("kind", "DeleteOptions")
    if kind != "DeleteOptions":
        raise bad_request("decoded object cannot be converted to DeleteOptions")
    for field, types in _FIELD_TYPES.items():
        value = raw.get(field)
        if value is None:
            raw.pop(field, None)
        elif not isinstance(value, types) or (int in types and isinstance(value, bool)):
            raise bad_request(f"json: cannot unmarshal into Go struct field DeleteOptions.{field}")
    return raw


async def delete(scope: Scope, request: Request) -> Answer:
    info = request.info
    assert info is not None
    media = negotiate(request, scope.restriction)
    options = await delete_options(request)
    ctx = scope.context(request, options.dry_run, raw=options.raw)
    deleted = await scope.backend.registry.delete(scope.store, ctx, info.namespace, info.name, options)
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
    found = await delete_objects(scope.store, ctx, selection.prefix, options, listing, selection.predicate)
    return await list_response(scope, request, media, found)
