"""Deleting an object: at once, gracefully, or once its finalizers are gone."""

from typing import Any

from msgspec import Struct

from pynetes.apimachinery import meta
from pynetes.apiserver.cacher import Entry
from pynetes.apiserver.options import DeleteOptions
from pynetes.apiserver.registry.context import WriteContext
from pynetes.apiserver.registry.finalizers import (
    begin_graceful,
    check_preconditions,
    mark_deleting,
    propagation_finalizers,
    set_finalizers,
)
from pynetes.apiserver.registry.modify import modify
from pynetes.apiserver.registry.resource import ResourceStore, raise_unavailable
from pynetes.component import clock
from pynetes.storage import RevisionConflict, StoreUnavailable

Object = dict[str, Any]


class Deleted(Struct, frozen=True):
    """What a delete answers: the object, or a Status about it; and whether it is gone."""

    entry: Entry | None
    status: Object | None
    gone: bool


class _Outcome(Struct):
    pending: bool = False
    delete_now: bool = False


async def delete(rs: ResourceStore, ctx: WriteContext, namespace: str, name: str, options: DeleteOptions) -> Deleted:
    """`options` may be changed (the grace period that applies); admission sees the object as it is then."""
    key = rs.key(namespace, name)
    outcome = _Outcome()
    gvk = rs.resource.gvk

    async def change(current: Entry) -> Object | None:
        old = current.object
        check_preconditions(gvk.group, gvk.kind, old, options)
        await ctx.check_delete(namespace, name, old)
        return _decide(rs, old, options, outcome)

    entry = await modify(rs, namespace, name, change, dry_run=ctx.dry_run)
    if outcome.pending:
        return _answer(rs, entry, gone=False)
    if not outcome.delete_now:
        return Deleted(entry, None, False)
    if ctx.dry_run:
        return _answer(rs, entry, gone=True)
    options.resource_version = None
    return await _remove(rs, ctx, key, namespace, name, entry, options)


def _decide(rs: ResourceStore, old: Object, options: DeleteOptions, outcome: _Outcome) -> Object | None:
    """The object as it waits for its end; None if there is nothing to write."""
    now = clock.now()
    obj: Object = meta.copy_object(old)
    outcome.pending = outcome.delete_now = False
    graceful, pending = begin_graceful(rs.strategy, obj, options, now)
    if pending:
        outcome.pending = True
        return None
    finalizers = propagation_finalizers(rs.strategy, obj, options)
    set_finalizers(obj, finalizers)
    if graceful:
        # Without grace the object still shows its deletion time once before it goes, as upstream's does.
        outcome.delete_now = not finalizers and not options.grace_period_seconds
        return obj
    if finalizers:
        mark_deleting(obj, now)
        return obj
    outcome.delete_now = True
    return None


async def _remove(
    rs: ResourceStore, ctx: WriteContext, key: str, namespace: str, name: str, entry: Entry, options: DeleteOptions
) -> Deleted:
    """Takes the object out of the store; if it changed meanwhile, everything is decided again."""
    try:
        kv = await rs.delete(key, expected=entry.mod_revision)
    except RevisionConflict as lost:
        if lost.current is None:
            raise rs.not_found(name) from None
        return await delete(rs, ctx, namespace, name, options)
    except StoreUnavailable as error:
        raise_unavailable(error)
    last = await rs.entry(kv)
    await rs.hooks.after_delete(last.object)
    return _answer(rs, last, gone=True)


def _answer(rs: ResourceStore, entry: Entry, *, gone: bool) -> Deleted:
    if rs.returns_deleted:
        return Deleted(entry, None, gone)
    return Deleted(None, deletion_status(rs, entry.object), gone)


def deletion_status(rs: ResourceStore, obj: Object) -> Object:
    """The Status that tells which object was deleted."""
    details: Object = {"name": obj["metadata"]["name"]}
    if rs.resource.gvk.group:
        details["group"] = rs.resource.gvk.group
    details["kind"] = rs.resource.plural
    details["uid"] = obj["metadata"].get("uid", "")
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
