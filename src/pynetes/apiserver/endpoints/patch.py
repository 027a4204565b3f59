"""patch: JSON, merge and strategic merge patches of an object or of its status; applies go to their own module."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from pynetes.apimachinery import codec as codecs
from pynetes.apimachinery.errors import StatusError, unsupported_media_type
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.patch import body, json_patch, merge_patch, strategic
from pynetes.apiserver.endpoints.apply import APPLY_PATCH, apply
from pynetes.apiserver.endpoints.output import entry_response
from pynetes.apiserver.endpoints.scope import Scope
from pynetes.apiserver.endpoints.tracking import track
from pynetes.apiserver.endpoints.write import admit, check_identity, rules_of
from pynetes.apiserver.http import Answer, Request
from pynetes.apiserver.negotiation import negotiate
from pynetes.apiserver.options import WriteOptions
from pynetes.apiserver.registry.fields import take_entries, without_entries
from pynetes.apiserver.registry.update import update as update_object
from pynetes.component.aside import aside

Object = dict[str, Any]


class Patch(Struct, frozen=True):
    """`apply` goes from a document (which may be changed) to the patched one; `entries` if it may touch managed
    fields: they are left out of documents that need not have them. `strict` are the patch's own strict errors."""

    apply: Callable[[Object], Object]
    entries: bool
    strict: list[str]
    keeps_type: bool = False
    """A strategic merge knows the fields of the object alone, to which kind and version do not belong."""
    refused: Callable[[Object, str], StatusError] | None = None
    """Makes the error for an outcome that is no object of the kind, if it shows something else than the outcome."""


JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
PATCH_TYPES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, APPLY_PATCH)
_CUSTOM_PATCH_TYPES = (JSON_PATCH, MERGE_PATCH, APPLY_PATCH)


def patch_type(request: Request) -> str:
    """StatusError 415 for one that is not known."""
    content_type = request.headers.get("Content-Type", "").partition(";")[0].strip()
    if content_type not in PATCH_TYPES:
        raise StatusError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
    return content_type


def check_custom_type(request: Request) -> None:
    """Custom resources know no strategic merge, and refuse what they do not know with a list of what they do."""
    content_type = request.headers.get("Content-Type", "").partition(";")[0].strip()
    if content_type not in _CUSTOM_PATCH_TYPES:
        raise unsupported_media_type(_CUSTOM_PATCH_TYPES)


async def parse_patch(request: Request, kind: GroupVersionKind) -> Patch:
    """The request's patch; StatusError 400, 413 or 422 for one that is not fit."""
    content_type = patch_type(request)
    data = await request.read_body()
    request.size = len(data)
    if content_type == JSON_PATCH:
        operations, strict = await aside(lambda: body.json_patch(data), request.size)
        if request.note is not None:
            request.note(operations, None)
        return Patch(lambda doc: json_patch.apply(doc, operations), _operations_touch_entries(operations), strict)
    strategically = content_type == STRATEGIC_MERGE_PATCH
    changes, strict = await aside(lambda: body.merge_patch(data, strategic=strategically), request.size)
    if request.note is not None:
        request.note(changes, None)
    metadata = changes.get("metadata", {})
    entries = not isinstance(metadata, dict) or any("managedFields" in name or name == "$patch" for name in metadata)
    if content_type == MERGE_PATCH:
        return Patch(lambda doc: merge_patch.apply(doc, changes), entries, strict)
    return Patch(
        lambda doc: strategic.apply(doc, changes, kind),
        entries or "$patch" in changes,
        strict,
        keeps_type=True,
        refused=lambda _, why: strategic.refused(changes, why),
    )


def _operations_touch_entries(operations: list[Object]) -> bool:
    """Operations on the whole object or its metadata may, too."""
    pointers = [str(operation[end]) for operation in operations for end in ("path", "from") if end in operation]
    return any(pointer in ("", "/metadata") or pointer.startswith("/metadata/managedFields") for pointer in pointers)


def _patched(scope: Scope, patch: Patch, live: Object, validation: codecs.Validation) -> tuple[Object, list[str]]:
    """The live object patched, of the endpoint's kind, and the warnings about it."""
    document = patch.apply(live if patch.entries else without_entries(live))
    if patch.keeps_type:
        document = {**document, "apiVersion": scope.kind.api_version, "kind": scope.kind.kind}
    return codecs.coerce(
        document,
        scope.kind,
        validation=validation,
        schema=scope.schema,
        refused=patch.refused,
        found=patch.strict,
    )


async def patch(scope: Scope, request: Request) -> Answer:
    info = request.info
    assert info is not None
    if scope.schema is not None:
        check_custom_type(request)
    if patch_type(request) == APPLY_PATCH:
        return await apply(scope, request)
    media = negotiate(request, scope.restriction)
    options = WriteOptions.of(request.query, "PatchOptions")
    try:
        patch = await parse_patch(request, scope.resource.gvk)
    except StatusError:
        await scope.store.get(info.namespace, info.name)  # what is not there is told first
        raise
    ctx = scope.write_context(request, options)

    async def change(old: Object | None) -> Object:
        if old is None:
            raise scope.store.not_found(info.name)
        live = scope.served(old)
        patched, warnings = await aside(lambda: _patched(scope, patch, live, options.field_validation), request.size)
        request.warnings += warnings
        if patched.get("metadata") is None:
            patched["metadata"] = {}
        claimed = take_entries(patched)
        await aside(lambda: scope.resource.strategy.default(patched), request.size)
        await track(scope, ctx, live, patched, claimed)
        obj = scope.stored(patched)
        check_identity(scope, obj, info.namespace, info.name)
        await admit(scope, ctx, obj, old, info.namespace, info.name)
        return obj

    entry, _ = await update_object(scope.store, ctx, info.namespace, info.name, change, rules=rules_of(scope))
    return entry_response(scope, request, media, entry)
