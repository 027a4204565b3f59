"""patch: JSON, merge and strategic merge patches of an object or of its status."""

from collections.abc import Callable
from typing import Any

import orjson

from pynetes.apimachinery import codec as codecs
from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import bad_request, request_entity_too_large, unsupported_media_type
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.patch import json_patch, merge_patch, strategic
from pynetes.apiserver.endpoints.output import entry_response
from pynetes.apiserver.endpoints.scope import Scope
from pynetes.apiserver.endpoints.write import admit, check_identity, rules_of
from pynetes.apiserver.http import Answer, Request
from pynetes.apiserver.negotiation import negotiate
from pynetes.apiserver.options import WriteOptions
from pynetes.apiserver.registry.update import update as update_object

Object = dict[str, Any]
#: From a document (which may be changed) to the patched one.
Apply = Callable[[Object], Object]

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
PATCH_TYPES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH)

_MAX_OPERATIONS = 10000


def patch_type(request: Request) -> str:
    """StatusError 415 for one that is not known."""
    content_type = request.headers.get("Content-Type", "").partition(";")[0].strip()
    if content_type not in PATCH_TYPES:
        raise unsupported_media_type(PATCH_TYPES)
    return content_type


async def parse_patch(request: Request, kind: GroupVersionKind) -> Apply:
    """The request's patch as a function; 400 for one that is malformed."""
    content_type = patch_type(request)
    body = await request.read_body()
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"error decoding patch: {error}") from None
    if content_type == JSON_PATCH:
        if not isinstance(parsed, list):
            raise bad_request("error decoding patch: json: cannot unmarshal object into Go value of type []jsonPatchOp")
        if len(parsed) > _MAX_OPERATIONS:
            raise request_entity_too_large(
                f"The allowed maximum operations in a JSON patch is {_MAX_OPERATIONS}, got {len(parsed)}"
            )
        return lambda doc: json_patch.apply(doc, parsed)
    if not isinstance(parsed, dict):
        raise bad_request("error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}")
    if content_type == MERGE_PATCH:
        return lambda doc: merge_patch.apply(doc, parsed)
    return lambda doc: strategic.apply(doc, parsed, kind)


async def patch(scope: Scope, request: Request) -> Answer:
    info = request.info
    assert info is not None
    content_type = patch_type(request)
    media = negotiate(request)
    apply = await parse_patch(request, scope.resource.gvk)
    options = WriteOptions.of(request.query, "PatchOptions", apply=content_type not in PATCH_TYPES)
    ctx = scope.write_context(request, options)

    async def change(old: Object | None) -> Object:
        if old is None:
            raise scope.store.not_found(info.name)
        patched, warnings = codecs.coerce(
            apply(scope.served(meta.copy(old))),
            scope.kind,
            validation=options.field_validation,  # type: ignore[arg-type]
        )
        request.warnings += warnings
        if patched.get("metadata") is None:
            patched["metadata"] = {}
        scope.resource.strategy.default(patched)
        obj = scope.stored(patched)
        check_identity(scope, obj, info.namespace, info.name)
        await admit(scope, ctx, obj, old, info.namespace, info.name)
        return obj

    entry, _ = await update_object(scope.store, ctx, info.namespace, info.name, change, rules=rules_of(scope))
    return entry_response(scope, request, media, entry)
