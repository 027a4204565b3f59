"""apply: server-side apply, a patch that is the applier's whole wish; creates what is not there."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from pynetes.apimachinery import codec as codecs
from pynetes.apimachinery import yaml_text
from pynetes.apimachinery.errors import StatusError, bad_request, conflict
from pynetes.apimachinery.managedfields.manager import described, kind_text
from pynetes.apimachinery.patch import strategic
from pynetes.apimachinery.schema.checker import DecodeError
from pynetes.apiserver.endpoints.output import entry_response
from pynetes.apiserver.endpoints.scope import Scope
from pynetes.apiserver.endpoints.write import admit, check_identity, create_check, rules_of
from pynetes.apiserver.http import Answer, Request
from pynetes.apiserver.negotiation import negotiate
from pynetes.apiserver.options import WriteOptions
from pynetes.apiserver.registry import fields
from pynetes.apiserver.registry.update import update as update_object
from pynetes.component.aside import aside

Object = dict[str, Any]

_FIELD = re.compile(r"Go struct field \S+")
#: From the live object (None: there is none) to the applied one, with its entries.
Apply = Callable[[Object | None], Awaitable[Object]]

APPLY_PATCH = "application/apply-patch+yaml"


async def parse_apply(scope: Scope, request: Request, options: WriteOptions) -> Apply:
    """The request's configuration as a function. It raises StatusErrors: for what is no YAML only when it is called,
    since an object that may not be made is told first."""
    body = await request.read_body()
    request.size = len(body)

    async def apply(live: Object | None) -> Object:
        try:
            config, duplicates = await aside(lambda: yaml_text.parse(body), request.size)
        except DecodeError as error:
            raise bad_request(f"error decoding YAML: error converting YAML to JSON: {error}") from None
        if config is not None and not isinstance(config, dict):
            shape = {list: "array", str: "string", bool: "bool"}.get(type(config), "number")
            why = f"json: cannot unmarshal {shape} into Go value of type map[string]interface {{}}"
            raise bad_request(f"error decoding YAML: error unmarshaling JSON: while decoding JSON: {why}")
        if request.note is not None and config:
            request.note(config, None)
        now = fields.now()

        def ask() -> Object:
            return scope.fields.apply(live, config or {}, options.field_manager, now, force=bool(options.force))

        obj = await fields.settled(scope.store.ownership, ask, request.size)
        _check_strict(request, options, duplicates)
        return await aside(lambda: _typed(scope, obj, config or {}), request.size)

    return apply


def _check_strict(request: Request, options: WriteOptions, duplicates: list[str]) -> None:
    if not duplicates or options.field_validation == "Ignore":
        return
    if options.field_validation == "Strict":
        raise bad_request("error strict decoding YAML: error converting YAML to JSON: " + ", ".join(duplicates))
    request.warnings += [line.strip() for text in duplicates for line in text.splitlines()[1:]]


def _not_typed(_: Object, why: str) -> StatusError:
    """After the merge, only types that decode themselves refuse values, and they do not know their fields."""
    own = _FIELD.sub("Go value", why)
    return StatusError(500, "", strategic.not_restored(why) if own == why else own)


def _typed(scope: Scope, obj: Object, config: Object) -> Object:
    """The merged object in canonical form; 500 for scalars that their type has no meaning for."""
    entries = fields.take_entries(obj)
    try:
        schema = scope.schema and scope.schema.of_merged
        typed, _ = codecs.coerce(obj, scope.kind, validation="Ignore", schema=schema, refused=_not_typed)
    except StatusError as error:
        why = f"unable to convert unstructured object to {kind_text(scope.kind)}: {error}"
        message = f"failed to convert new object ({described(config)}) to proper version: {why}"
        raise StatusError(500, "", message) from None
    if typed.get("metadata") is None:
        typed["metadata"] = {}
    fields.put_entries(typed, entries)
    return typed


async def apply(scope: Scope, request: Request) -> Answer:
    info = request.info
    assert info is not None
    media = negotiate(request, scope.restriction)
    options = WriteOptions.of(request.query, "PatchOptions", apply=True)
    merge = await parse_apply(scope, request, options)
    ctx = scope.write_context(request, options)
    ctx.check_create = create_check(scope, request)
    ctx.applies = True

    async def change(old: Object | None) -> Object:
        obj = await merge(None if old is None else scope.served(old))
        await aside(lambda: scope.resource.strategy.default(obj), request.size)
        obj = scope.stored(obj)
        uid = obj["metadata"].get("uid")
        if old is None and uid:
            why = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            raise conflict(scope.gvr.group_resource, info.name, why)
        check_identity(scope, obj, info.namespace, info.name)
        await admit(scope, ctx, obj, old, info.namespace, info.name)
        return obj

    entry, created = await update_object(
        scope.store,
        ctx,
        info.namespace,
        info.name,
        change,
        rules=rules_of(scope),
        allow_create=scope.subresource is None,
    )
    return entry_response(scope, request, media, entry, 201 if created else 200)
