"""create and update."""

from collections.abc import Awaitable, Callable
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import bad_request
from pynetes.apimachinery.schema import empties
from pynetes.apiserver.authentication.user import ANONYMOUS_USER
from pynetes.apiserver.authorization.attributes import Attributes, decide, refusal
from pynetes.apiserver.endpoints.body import decode_as
from pynetes.apiserver.endpoints.output import entry_response
from pynetes.apiserver.endpoints.scope import Scope
from pynetes.apiserver.endpoints.tracking import track
from pynetes.apiserver.http import Answer, Request
from pynetes.apiserver.negotiation import negotiate
from pynetes.apiserver.options import WriteOptions
from pynetes.apiserver.registry.context import WriteContext
from pynetes.apiserver.registry.create import create as create_object
from pynetes.apiserver.registry.create import match_namespace, wipe_system_fields
from pynetes.apiserver.registry.fields import take_entries
from pynetes.apiserver.registry.update import Change, Rules, main_rules, status_rules
from pynetes.apiserver.registry.update import update as update_object

Object = dict[str, Any]


async def decode(scope: Scope, request: Request, options: WriteOptions) -> Object:
    """The body of what is not stored, with metadata; defaults are not filled in."""
    return empties.written(await decode_as(scope.kind, request, options, scope.schema), scope.kind)


async def _decode_complete(scope: Scope, request: Request, options: WriteOptions) -> tuple[Object, Any]:
    """The same with defaults; and the entries that the client sent in it."""
    default = scope.resource.strategy.default
    obj = await decode_as(scope.kind, request, options, scope.schema, default=default, specs=scope.specs)
    claimed = take_entries(obj)
    if request.note is not None:
        request.note(obj, scope.kind)
    return obj, claimed


async def create(scope: Scope, request: Request) -> Answer:
    info = request.info
    assert info is not None
    media = negotiate(request, scope.restriction)
    options = WriteOptions.of(request.query, "CreateOptions")
    obj, claimed = await _decode_complete(scope, request, options)
    wipe_system_fields(obj)
    namespace = info.namespace
    match_namespace(obj, namespace if scope.resource.namespaced else "")
    ctx = scope.write_context(request, options)
    drop_duplicate_owners(obj, ctx)
    await track(scope, ctx, None, obj, claimed)
    obj = scope.stored(obj)
    name = obj["metadata"].get("name") or ""
    if scope.resource.gvk.kind == "Namespace":
        namespace = name
    await ctx.admit("CREATE", namespace, name, obj, None)
    drop_duplicate_owners(obj, ctx, admitted=True)
    entry = await create_object(scope.store, ctx, obj, namespace)
    return entry_response(scope, request, media, entry, 201)


async def update(scope: Scope, request: Request) -> Answer:
    info = request.info
    assert info is not None
    media = negotiate(request, scope.restriction)
    options = WriteOptions.of(request.query, "UpdateOptions")
    obj, claimed = await _decode_complete(scope, request, options)
    check_identity(scope, obj, info.namespace, info.name)
    ctx = scope.write_context(request, options)
    ctx.check_create = create_check(scope, request)
    drop_duplicate_owners(obj, ctx)

    async def change(old: Object | None) -> Object:
        new: Object = meta.copy(obj)
        await track(scope, ctx, None if old is None else scope.served(old), new, claimed)
        new = scope.stored(new)
        await admit(scope, ctx, new, old, info.namespace, info.name)
        return new

    entry, created = await _update(scope, ctx, info.namespace, info.name, change)
    return entry_response(scope, request, media, entry, 201 if created else 200)


def create_check(scope: Scope, request: Request) -> Callable[[], Awaitable[None]]:
    """Refuses with 403 if the user may not create what an update or apply would."""
    info = request.info
    assert info is not None
    attrs = Attributes(
        request.user or ANONYMOUS_USER,
        "create",
        group=info.group,
        version=info.version,
        resource=info.resource,
        subresource=info.subresource,
        namespace=info.namespace,
        name=info.name,
        path=info.path,
    )

    async def check() -> None:
        decision = await decide(scope.backend.authorizer, attrs)
        if not decision.allowed:
            raise refusal(attrs, decision)

    return check


async def _update(scope: Scope, ctx: WriteContext, namespace: str, name: str, change: Change) -> Any:
    allow = scope.subresource is None and scope.store.strategy.allow_create_on_update
    return await update_object(scope.store, ctx, namespace, name, change, rules=rules_of(scope), allow_create=allow)


def rules_of(scope: Scope) -> Rules:
    """What a write through this endpoint may change."""
    subresource = scope.subresource
    if subresource is None:
        return main_rules(scope.store.strategy_of(scope.kind))
    if subresource.strategy is not None:
        own = subresource.strategy
        return Rules(own.prepare_for_update, own.validate_update, own.warnings)
    if subresource.name == "status":
        return status_rules(scope.store.strategy)
    raise AssertionError(f"subresource {subresource.name} has no rules")


async def admit(scope: Scope, ctx: WriteContext, obj: Object, old: Object | None, namespace: str, name: str) -> None:
    """Mutating admission of an update, or of the create that an update turns out to be."""
    await ctx.admit("CREATE" if old is None else "UPDATE", namespace, name, obj, old)
    drop_duplicate_owners(obj, ctx, admitted=True)


def drop_duplicate_owners(obj: Object, ctx: WriteContext, *, admitted: bool = False) -> None:
    """Owners that are told twice are kept once, with a warning; `admitted`: admission may have added them."""
    references = obj["metadata"].get("ownerReferences")
    if not references or len(references) < 2:
        return
    kept: list[Object] = []
    duplicates = []
    for reference in references:
        if reference in kept:
            duplicates.append(str(reference.get("uid") or ""))
        else:
            kept.append(reference)
    if duplicates:
        obj["metadata"]["ownerReferences"] = kept
        ctx.warnings.append((_DUPLICATES_ADMITTED if admitted else _DUPLICATES) + ", ".join(duplicates))


_DUPLICATES = (
    ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject "
    "such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: "
)
_DUPLICATES_ADMITTED = (
    ".metadata.ownerReferences contains duplicate entries after mutating admission happens; API server dedups owner "
    "references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) "
    "observed: "
)


def check_identity(scope: Scope, obj: Object, namespace: str, name: str) -> None:
    """The object is the one that the path names."""
    match_namespace(obj, namespace if scope.resource.namespaced else "")
    own = obj["metadata"].get("name")
    if not own:
        raise bad_request(f"the name of the object ({name} based on URL) was undeterminable: name must be provided")
    if own != name:
        raise bad_request(f"the name of the object ({own}) does not match the name on the URL ({name})")
