"""Namespaces end in two steps: a delete makes them Terminating; once their content and finalizers are gone, they go."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.times import format_time
from pynetes.apiserver.cacher import Entry
from pynetes.apiserver.options import DeleteOptions
from pynetes.apiserver.registry.context import WriteContext
from pynetes.apiserver.registry.delete import Deleted, delete
from pynetes.apiserver.registry.finalizers import FOREGROUND, ORPHAN, check_mark, set_finalizers
from pynetes.apiserver.registry.modify import modify
from pynetes.apiserver.registry.resource import ResourceStore
from pynetes.component import clock

Object = dict[str, Any]


async def delete_namespace(
    rs: ResourceStore, ctx: WriteContext, namespace: str, name: str, options: DeleteOptions
) -> Deleted:
    """The first delete sets the deletion time and phase Terminating; later ones wait for spec.finalizers."""
    current = (await rs.get("", name)).object
    check_mark("namespaces", current, options)
    options.uid = current["metadata"].get("uid")
    if not meta.is_deleting(current):
        return Deleted(await _terminate(rs, ctx, name, options), None, False)
    if (current.get("spec") or {}).get("finalizers"):
        return Deleted(await rs.get("", name), None, False)
    return await delete(rs, ctx, "", name, options)


async def _terminate(rs: ResourceStore, ctx: WriteContext, name: str, options: DeleteOptions) -> Entry:
    async def change(current: Entry) -> Object | None:
        old = current.object
        check_mark("namespaces", old, options)
        await ctx.check_delete(name, name, old)
        obj: Object = meta.copy_object(old)
        obj["metadata"].setdefault("deletionTimestamp", format_time(clock.now()))
        obj.setdefault("status", {})["phase"] = "Terminating"
        set_finalizers(obj, propagation(obj["metadata"].get("finalizers") or [], options))
        return obj

    return await modify(rs, "", name, change, dry_run=ctx.dry_run)


def propagation(present: list[str], options: DeleteOptions) -> list[str]:
    """For namespaces only an explicit policy changes the collector's finalizers."""
    orphan, foreground = ORPHAN in present, FOREGROUND in present
    if options.orphan_dependents is not None:
        orphan, foreground = options.orphan_dependents, not options.orphan_dependents
    elif options.propagation_policy is not None:
        orphan = options.propagation_policy == "Orphan"
        foreground = options.propagation_policy == "Foreground"
    kept = [finalizer for finalizer in present if finalizer not in (ORPHAN, FOREGROUND)]
    return kept + ([ORPHAN] if orphan else []) + ([FOREGROUND] if foreground else [])
