"""CustomResourceDefinitions end in two steps: a delete marks them, and they go once their objects are gone."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.times import format_time
from pynetes.apiserver.cacher import Entry
from pynetes.apiserver.options import DeleteOptions
from pynetes.apiserver.registry.context import WriteContext
from pynetes.apiserver.registry.delete import Deleted, delete
from pynetes.apiserver.registry.finalizers import check_mark
from pynetes.apiserver.registry.modify import modify
from pynetes.apiserver.registry.resource import ResourceStore
from pynetes.component import clock

Object = dict[str, Any]

FINALIZER = "customresourcecleanup.apiextensions.k8s.io"


async def delete_definition(
    rs: ResourceStore, ctx: WriteContext, namespace: str, name: str, options: DeleteOptions
) -> Deleted:
    """The first delete sets the deletion time, a finalizer and the condition Terminating."""
    current = (await rs.get("", name)).object
    check_mark(rs.group_resource, current, options)
    options.uid = current["metadata"].get("uid")
    if meta.is_deleting(current):
        return await delete(rs, ctx, "", name, options)

    async def change(entry: Entry) -> Object | None:
        check_mark(rs.group_resource, entry.object, options)
        await ctx.check_delete("", name, entry.object)
        obj: Object = meta.copy(entry.object)
        obj["metadata"].setdefault("deletionTimestamp", format_time(clock.now()))
        meta.add_finalizer(obj, FINALIZER)
        status = obj.setdefault("status", {})
        conditions = status["conditions"] = status.get("conditions") or []
        message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
        pending = {"type": "Terminating", "status": "True", "reason": "InstanceDeletionPending", "message": message}
        meta.set_condition(conditions, pending)
        return obj

    return Deleted(await modify(rs, "", name, change, dry_run=ctx.dry_run), None, False)
