"""Changing an object: read, change, check, compare-and-swap, again if somebody was faster."""

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from pynetes.apimachinery import meta, names, validation
from pynetes.apimachinery.errors import FieldError, StatusError, conflict, invalid, invalid_value
from pynetes.apimachinery.schema import empties
from pynetes.apis.strategy import BOTH, Strategy
from pynetes.apiserver.cacher import Entry
from pynetes.apiserver.registry import create as creating
from pynetes.apiserver.registry import fields
from pynetes.apiserver.registry.context import WriteContext
from pynetes.apiserver.registry.hooks import nothing
from pynetes.apiserver.registry.resource import ResourceStore, raise_unavailable
from pynetes.component import clock
from pynetes.component.aside import aside
from pynetes.storage import KeyExists, RevisionConflict, StoreUnavailable

Object = dict[str, Any]
#: From the stored object (None: there is none) to what it shall be: an object of its own, that may be changed.
Change = Callable[[Object | None], Awaitable[Object]]

#: Somebody else winning that often means that something is broken.
_MAX_ATTEMPTS = 200


class Rules(Struct, frozen=True):
    """What an update may change and must satisfy: the object's own, its status's or another subresource's."""

    prepare: Callable[[Object, Object], None]
    validate: Callable[[Object, Object], list[FieldError]]
    warnings: Callable[[Object, Object], list[str]]
    #: Whether the kind's hooks take part (not where only status may change).
    hooked: bool = False
    #: What of the metadata the kind looks at itself.
    metadata: frozenset[str] = BOTH
    #: What validating admission sees of an object, if it is not the object (a Scale).
    shown: Callable[[Object], Object] = lambda obj: obj


def main_rules(strategy: Strategy) -> Rules:
    return Rules(
        strategy.prepare_for_update,
        strategy.validate_update,
        strategy.warnings,
        hooked=True,
        metadata=strategy.update_metadata,
    )


def status_rules(strategy: Strategy) -> Rules:
    return Rules(
        strategy.prepare_for_status_update,
        strategy.validate_status_update,
        lambda obj, old: [],
        metadata=strategy.status_metadata,
    )


class _Write(Struct, frozen=True):
    rs: ResourceStore
    ctx: WriteContext
    namespace: str
    name: str
    change: Change
    rules: Rules
    allow_create: bool


async def update(
    rs: ResourceStore,
    ctx: WriteContext,
    namespace: str,
    name: str,
    change: Change,
    *,
    rules: Rules | None = None,
    allow_create: bool = False,
) -> tuple[Entry, bool]:
    """The stored outcome and whether it was created. `change` is called again after a lost race."""
    rules = rules or main_rules(rs.strategy_of(ctx.kind))
    key = rs.key(namespace, name)
    allow_create = allow_create or rs.strategy.allow_create_on_update
    write = _Write(rs, ctx, namespace, name, change, rules, allow_create)
    current, fresh = rs.cached(namespace, name), False
    if current is None:
        current, fresh = await rs.read(key), True
    try:
        return await _settle(write, key, current, fresh)
    except RevisionConflict:
        async with rs.turns.take(key):
            return await _settle(write, key, await rs.read(key), True, again=True)


async def _settle(
    write: _Write, key: str, current: Entry | None, fresh: bool, *, again: bool = False
) -> tuple[Entry, bool]:
    """RevisionConflict for a lost race, unless it is tried `again`. `fresh`: `current` is not from memory."""
    rs, ctx, change = write.rs, write.ctx, write.change
    for _ in range(_MAX_ATTEMPTS):
        if current is None:
            if not write.allow_create:
                raise rs.not_found(write.name)
            created = await _create_on_update(rs, ctx, write.namespace, change)
            if created is not None:
                return created, True
            current, fresh = await rs.read(key), True
            continue
        try:
            return await _attempt(write, key, current), False
        except RevisionConflict as lost:
            if not again:
                raise
            current, fresh = (await rs.entry(lost.current) if lost.current else None), True
        except StatusError:
            # Memory may have been behind the store: a refusal counts only against the newest state.
            if fresh:
                raise
            latest = await rs.read(key)
            if latest is not None and latest.mod_revision == current.mod_revision:
                raise
            current, fresh = latest, True
        await clock.sleep(0)
    raise conflict(rs.group_resource, write.name)


async def _create_on_update(rs: ResourceStore, ctx: WriteContext, namespace: str, change: Change) -> Entry | None:
    obj = await change(None)
    metadata = obj["metadata"]
    if metadata.get("uid"):
        name = metadata.get("name") or ""
        raise another_object(rs, name, metadata, metadata["uid"], "", dry_run=ctx.dry_run)
    metadata.pop("resourceVersion", None)
    creating.wipe_system_fields(obj)
    try:
        return await creating.create(rs, ctx, obj, namespace)
    except StatusError as error:
        if error.reason == "AlreadyExists":
            return None
        raise


async def _attempt(write: _Write, key: str, current: Entry) -> Entry:
    rs, ctx, rules = write.rs, write.ctx, write.rules
    old = current.object
    obj = await write.change(old)
    _check_version(rs, ctx, obj, old)
    finish = await rs.hooks.begin_update(obj, old, ctx.dry_run) if rules.hooked else nothing
    done: bool | None = False
    try:
        await aside(lambda: prepare(rs, ctx, obj, old, rules), ctx.size)
        shown, shown_old = rules.shown(obj), rules.shown(old)
        await ctx.validate("UPDATE", write.namespace, obj["metadata"]["name"], shown, shown_old)
        empties.settle(obj, rs.resource.gvk)
        fields.keep_times(obj, old)
        done = None
        if _emptied(obj, old):
            entry = await _delete_emptied(rs, ctx, key, current, obj)
        else:
            entry = await _store(rs, ctx, key, current, obj)
        done = not ctx.dry_run
        return entry
    except RevisionConflict:
        done = False
        raise
    except StatusError as error:
        if error.code != 503:
            done = False
        raise
    finally:
        await finish(done)


def another_object(
    rs: ResourceStore,
    name: str,
    metadata: Object,
    wanted: str,
    found: str,
    *,
    dry_run: bool = False,
    field: str = "UID",
) -> StatusError:
    """The object that was meant is not the one that is there (any more), or not as it was."""
    key = ("" if dry_run else "/registry") + _told_key(rs, metadata)
    why = (
        f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition "
        f"failed: {field} in precondition: {wanted}, {field} in object meta: {found}"
    )
    return conflict(rs.group_resource, name, why)


def _check_version(rs: ResourceStore, ctx: WriteContext, obj: Object, old: Object) -> None:
    """An update means the object of its UID; that of a patch is a field like others, of which its rules tell."""
    metadata, old_metadata = obj["metadata"], old["metadata"]
    name = old_metadata["name"]
    uid = metadata.get("uid")
    if uid and uid != old_metadata.get("uid") and not ctx.patches:
        raise another_object(rs, name, old_metadata, uid, old_metadata.get("uid"), dry_run=ctx.dry_run)
    version = metadata.get("resourceVersion")
    if version in (None, "", "0"):
        if not rs.strategy.allow_unconditional_update:
            detail = "must be specified for an update"
            error = invalid_value("metadata.resourceVersion", 0, detail)
            raise invalid(rs.resource.plural, rs.resource.gvk.group, name, [error])
    elif version != old_metadata["resourceVersion"]:
        if not str(version).isdigit():
            raise StatusError(500, "", f'strconv.ParseUint: parsing "{version}": invalid syntax')
        raise conflict(rs.group_resource, name)


_TOLD_KEYS = {
    "apiservices": "apiregistration.k8s.io/apiservices",
    "customresourcedefinitions": "apiextensions.k8s.io/customresourcedefinitions",
    "endpoints": "services/endpoints",
    "ingresses": "ingress",
    "nodes": "minions",
    "replicationcontrollers": "controllers",
    "services": "services/specs",
}


def _told_key(rs: ResourceStore, metadata: Object) -> str:
    """The key that the original would have in its store, without its prefix."""
    plural = rs.resource.plural
    if rs.resource.schema is not None:
        plural = f"{rs.resource.gvk.group}/{plural}"
    parts = ("", _TOLD_KEYS.get(plural, plural), metadata.get("namespace"), metadata["name"])
    return "/".join(part for part in parts if part is not None)


def prepare(rs: ResourceStore, ctx: WriteContext, obj: Object, old: Object, rules: Rules) -> None:
    """Strategy and validation (upstream's BeforeUpdate)."""
    metadata, old_metadata = obj["metadata"], old["metadata"]
    namespaced = rs.resource.namespaced
    creating.match_namespace(obj, old_metadata.get("namespace") or "" if namespaced else "")
    metadata["resourceVersion"] = old_metadata["resourceVersion"]
    Strategy.keep_generation(obj, old)
    rs.strategy.drop_disabled_fields(obj, old)
    rules.prepare(obj, old)
    metadata = obj["metadata"]
    if not metadata.get("uid") and "uid" in old_metadata:  # it lacks in what was put into the store past all servers
        metadata["uid"] = old_metadata["uid"]
    for field in ("creationTimestamp", "deletionTimestamp"):
        if field in old_metadata:
            metadata[field] = old_metadata[field]
    if metadata.get("deletionGracePeriodSeconds") is None and "deletionGracePeriodSeconds" in old_metadata:
        metadata["deletionGracePeriodSeconds"] = old_metadata["deletionGracePeriodSeconds"]
    errors = _validate_metadata(rs, rs.strategy_of(ctx.kind), metadata, old_metadata, rules.metadata)
    errors += rules.validate(obj, old)
    if errors:
        raise invalid(rs.resource.gvk.kind, rs.resource.gvk.group, metadata["name"], errors)
    ctx.warnings += rules.warnings(obj, old)
    rs.strategy.canonicalize(obj)


def _validate_metadata(
    rs: ResourceStore, strategy: Strategy, metadata: Object, old: Object, parts: frozenset[str]
) -> list[FieldError]:
    """What holds for all kinds, and `parts` of it as the kind itself has it: the same again, but for its finalizers and
    the prefix of its name. The name itself cannot have changed."""
    namespaced = rs.resource.namespaced
    errors = validation.validate_object_meta(
        metadata, "metadata", namespaced=namespaced, name_rule=names.path_segment_name
    )
    change = validation.validate_object_meta_update(metadata, old, sound=not errors)
    errors += change
    if not strategy.own_metadata_rules:
        return errors
    finalizers: list[FieldError] = []
    if strategy.qualified_finalizers:
        finalizers = validation.validate_finalizer_names(metadata.get("finalizers"))
    if "change" in parts:
        errors += change + finalizers
    whole: list[FieldError] = []
    if "whole" in parts and (errors or metadata.get("generateName")):
        whole = validation.validate_object_meta(
            metadata,
            "metadata",
            namespaced=namespaced,
            name_rule=strategy.name_rule,
            prefix=strategy.checks_generate_name,
        )
    return errors + (whole + finalizers if "whole" in parts else []) * (2 if "again" in parts else 1)


def _emptied(obj: Object, old: Object) -> bool:
    """The deletion has only been waiting for finalizers, and none is left."""
    metadata = old["metadata"]
    return (
        not obj["metadata"].get("finalizers")
        and bool(metadata.get("deletionTimestamp"))
        and not metadata.get("deletionGracePeriodSeconds")
        and not (old.get("kind") == "Namespace" and (obj.get("spec") or {}).get("finalizers"))
    )


async def _delete_emptied(rs: ResourceStore, ctx: WriteContext, key: str, current: Entry, obj: Object) -> Entry:
    """Clients expect the updated object, so the answer is what they sent."""
    if not ctx.dry_run:
        try:
            await rs.delete(key, expected=current.mod_revision)
        except StoreUnavailable as error:
            raise_unavailable(error)
        await rs.hooks.after_delete(current.object)
    return rs.unsaved(obj, current.mod_revision, key)


async def _store(rs: ResourceStore, ctx: WriteContext, key: str, current: Entry, obj: Object) -> Entry:
    if await rs.is_stored(obj, current):
        return current
    if ctx.dry_run:
        return rs.unsaved(obj, current.mod_revision, key)
    try:
        return await rs.update(key, obj, expected=current.mod_revision, keep_owners=ctx.applies)
    except (KeyExists, StoreUnavailable) as error:
        if isinstance(error, StoreUnavailable):
            raise_unavailable(error)
        raise


def copied(obj: Object) -> Change:
    """The change of a PUT: the object as sent, whatever is stored."""

    async def change(old: Object | None) -> Object:
        copy: Object = meta.copy_object(obj)
        return copy

    return change
