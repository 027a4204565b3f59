"""Creating an object: upstream's order of steps, from generated names to the store."""

from random import choices
from typing import Any

from pynetes.apimachinery import meta, names, validation
from pynetes.apimachinery.errors import FieldError, StatusError, already_exists, bad_request, internal, invalid
from pynetes.apimachinery.schema import empties
from pynetes.apiserver.cacher import Entry
from pynetes.apiserver.registry import fields
from pynetes.apiserver.registry.context import WriteContext
from pynetes.apiserver.registry.resource import ResourceStore, raise_unavailable
from pynetes.component.aside import aside
from pynetes.component.uids import new_uid
from pynetes.storage import KeyExists, StoreUnavailable

Object = dict[str, Any]

#: With eight tries a million names fit a prefix before one create in a thousand fails.
_GENERATE_ATTEMPTS = 8
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_MAX_BASE = 63 - 5
_SYSTEM_FIELDS = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink")


def wipe_system_fields(obj: Object) -> None:
    """Clients do not set these on create."""
    metadata = obj["metadata"]
    for field in _SYSTEM_FIELDS:
        metadata.pop(field, None)


def match_namespace(obj: Object, namespace: str) -> None:
    """The object's namespace is the request's; unset it takes that, set to another it is refused."""
    metadata = obj["metadata"]
    if not namespace:
        metadata.pop("namespace", None)
        return
    own = metadata.get("namespace")
    if not own:
        metadata["namespace"] = namespace
    elif own != namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")


async def create(rs: ResourceStore, ctx: WriteContext, obj: Object, namespace: str) -> Entry:
    """Stores a new object (which mutating admission has seen); `obj` may be changed."""
    metadata = obj["metadata"]
    if metadata.get("name") or not metadata.get("generateName"):
        return await _create(rs, ctx, obj, namespace)
    for attempt in range(_GENERATE_ATTEMPTS):
        candidate = meta.copy_object(obj)
        candidate["metadata"]["name"] = generate_name(metadata["generateName"])
        try:
            return await _create(rs, ctx, candidate, namespace)
        except StatusError as error:
            if error.reason != "AlreadyExists" or attempt == _GENERATE_ATTEMPTS - 1:
                raise
    raise internal("unreachable")


def generate_name(base: str) -> str:
    return base[:_MAX_BASE] + "".join(choices(_ALPHABET, k=5))


async def _create(rs: ResourceStore, ctx: WriteContext, obj: Object, namespace: str) -> Entry:
    metadata = obj["metadata"]
    metadata["uid"] = new_uid()
    metadata["creationTimestamp"] = fields.now()
    match_namespace(obj, namespace if rs.resource.namespaced else "")
    finish = await rs.hooks.begin_create(obj, ctx.dry_run)
    done: bool | None = False
    try:
        await aside(lambda: prepare(rs, ctx, obj), ctx.size)
        name = metadata["name"]
        await ctx.validate("CREATE", namespace, name, obj, None)
        empties.settle(obj, rs.resource.gvk)
        done = None
        entry = await _store(rs, ctx, obj, namespace, name)
        done = not ctx.dry_run
        return entry
    except StatusError as error:
        if error.code != 503:
            done = False
        raise
    finally:
        await finish(done)


def prepare(rs: ResourceStore, ctx: WriteContext, obj: Object) -> None:
    """Strategy and validation (upstream's BeforeCreate)."""
    metadata, resource, strategy = obj["metadata"], rs.resource, rs.strategy_of(ctx.kind)
    strategy.drop_disabled_fields(obj, None)
    strategy.prepare_for_create(obj)
    strategy.record_requester(obj, ctx.user)
    errors: list[FieldError] = []
    if strategy.own_metadata_rules:
        errors += validation.validate_object_meta(
            metadata,
            "metadata",
            namespaced=resource.namespaced,
            name_rule=strategy.name_rule,
            prefix=strategy.checks_generate_name,
        )
        if strategy.qualified_finalizers:
            errors += validation.validate_finalizer_names(metadata.get("finalizers"))
    errors += strategy.validate(obj)
    if not errors and not strategy.own_metadata_rules:
        errors += validation.validate_object_meta(
            metadata, "metadata", namespaced=resource.namespaced, name_rule=names.path_segment_name
        )
    if errors:
        raise invalid(obj.get("kind") or resource.gvk.kind, resource.gvk.group, metadata.get("name") or "", errors)
    ctx.warnings += strategy.warnings(obj)
    strategy.canonicalize(obj)


async def _store(rs: ResourceStore, ctx: WriteContext, obj: Object, namespace: str, name: str) -> Entry:
    key = rs.key(namespace, name)
    if ctx.dry_run:
        existing = await rs.read(key)
        if existing is not None:
            raise _exists(rs, obj, name, existing)
        return rs.unsaved(obj)
    version = str(obj["metadata"].get("resourceVersion") or "0")
    if version.isdigit() and int(version):
        raise StatusError(500, "", "resourceVersion should not be set on objects to be created")
    try:
        return await rs.create(key, obj, keep_owners=ctx.applies)
    except KeyExists as error:
        raise _exists(rs, obj, name, await rs.entry(error.current)) from None
    except StoreUnavailable as error:
        raise_unavailable(error)


def _exists(rs: ResourceStore, obj: Object, name: str, existing: Entry) -> StatusError:
    error = already_exists(rs.group_resource, name)
    if obj["metadata"].get("generateName"):
        error.message += ", the server was not able to generate a unique name for the object"
        error.details["retryAfterSeconds"] = 1
    if meta.is_deleting(existing.object):
        error.message = f"object is being deleted: {error.message}"
    return error
