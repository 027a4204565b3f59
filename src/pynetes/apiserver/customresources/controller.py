"""Keeps the status of definitions true, and ends those that are deleted."""

from collections.abc import Callable
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import conflict
from pynetes.apis.names import CUSTOM_RESOURCE_DEFINITIONS
from pynetes.apis.registry import RESOURCES
from pynetes.apiserver.cacher import Entry
from pynetes.apiserver.customresources import definitions
from pynetes.apiserver.customresources.conditions import status_of
from pynetes.apiserver.customresources.instances import InstanceDeletionFailed, context_of, delete_instances
from pynetes.apiserver.customresources.serving import CustomResources
from pynetes.apiserver.objects import Change
from pynetes.apiserver.registry import fields
from pynetes.apiserver.registry.registry import Registry
from pynetes.apiserver.registry.update import status_rules, update
from pynetes.client.controller import Controller, RetryAfter
from pynetes.client.workqueue import WorkQueue
from pynetes.component.tasks import Tasks

Object = dict[str, Any]

_MANAGER = "kube-apiserver"
_FIRST_LOOK = 0.1
_LAST_LOOK = 5.0
_BUILT_IN = frozenset((resource.gvk.group, resource.plural) for resource in RESOURCES)


class DefinitionController:
    """`observe` is told of every definition; `run` works until it is cancelled."""

    def __init__(self, registry: Registry, resources: CustomResources) -> None:
        self._registry = registry
        self._resources = resources
        self._rs = registry.store_of(CUSTOM_RESOURCE_DEFINITIONS)
        self._fields = fields.field_manager(self._rs.resource, self._rs.resource.gvk, "status", None)
        self._names: WorkQueue[str] = WorkQueue("crd_naming_condition_controller")
        self._ending: WorkQueue[str] = WorkQueue("crd_finalizer")
        self._looks: dict[str, float] = {}
        self._judged: dict[str, str] = {}

    def observe(self, change: Change, definition: Object) -> None:
        name = meta.name(definition)
        if change == "DELETED":
            self._looks.pop(name, None)
            self._judged.pop(name, None)
            self._reconsider(name)
        elif meta.is_deleting(definition) and definitions.FINALIZER in meta.finalizers(definition):
            self._ending.add(name)
        elif self._judged.get(name) != meta.resource_version(definition):
            self._names.add(name)

    def _reconsider(self, name: str) -> None:
        """Others of the group may have waited for the names of this one."""
        for entry in self._others(name):
            other = meta.name(entry.object)
            self._judged.pop(other, None)
            self._names.add(other)

    def _others(self, name: str) -> list[Entry]:
        """Other definitions of the same group. Names end in their group, so that no others are parsed."""
        ending = "." + name.partition(".")[2]
        own = self._rs.key("", name)
        return [entry for entry in self._rs.cacher.entries() if entry.key.endswith(ending) and entry.key != own]

    async def run(self) -> None:
        async with Tasks("custom resource definitions") as tasks:
            names = Controller("crd-naming", self._names, self._name)
            ending = Controller("crd-finalizer", self._ending, self._end, workers=5)
            tasks.start(names.run(), name="names")
            await ending.run()

    # --- names and conditions

    async def _name(self, name: str) -> None:
        """One at a time, each seeing what the ones before have taken."""
        await self._rs.cacher.fresh()
        definition = self._registry.cached_get(CUSTOM_RESOURCE_DEFINITIONS, name)
        if definition is None:
            return
        status = status_of(definition, [entry.object for entry in self._others(name)])
        present = definition.get("status") or {}
        if status == present:
            self._judged[name] = meta.resource_version(definition)
            return

        def change(obj: Object) -> None:
            obj["status"] = status

        written = await self._write(definition, change)
        self._judged[name] = meta.resource_version(written)
        if status.get("acceptedNames") != present.get("acceptedNames"):
            self._reconsider(name)

    async def _write(self, seen: Object, change: Callable[[Object], None]) -> Object:
        """Changes the definition if it is still the one that was judged; StatusError 409 otherwise."""
        name = meta.name(seen)
        ctx = context_of(self._rs.resource.gvr, self._rs.resource.gvk)
        ctx.subresource = "status"

        async def changed(old: Object | None) -> Object:
            if old is None:
                raise self._rs.not_found(name)
            if meta.resource_version(old) != meta.resource_version(seen):
                raise conflict(self._rs.group_resource, name)
            obj: Object = meta.copy(old)
            change(obj)
            fields.take_entries(obj)
            fields.put_entries(obj, self._fields.update(old, obj, _MANAGER, fields.now()))
            return obj

        entry, _ = await update(self._rs, ctx, "", name, changed, rules=status_rules(self._rs.strategy))
        return entry.object

    # --- the end

    async def _end(self, name: str) -> None:
        await self._rs.cacher.fresh()
        definition = self._registry.cached_get(CUSTOM_RESOURCE_DEFINITIONS, name)
        if definition is None or not meta.is_deleting(definition):
            return
        if definitions.FINALIZER not in meta.finalizers(definition):
            return
        definition = await self._condition(
            definition, "True", "InstanceDeletionInProgress", "CustomResource deletion is in progress"
        )
        reason, message = await self._empty(definition)

        def change(obj: Object) -> None:
            _set_terminating(obj, "False", reason, message)
            meta.remove_finalizer(obj, definitions.FINALIZER)

        await self._write(definition, change)
        self._looks.pop(name, None)

    async def _empty(self, definition: Object) -> tuple[str, str]:
        """Why the definition may go; RetryAfter while it may not."""
        spec = definition["spec"]
        if (spec["group"], spec["names"]["plural"]) in _BUILT_IN:
            return "OverlappingBuiltInResource", "instances overlap with built-in resources in storage"
        if not definitions.is_true(definition, definitions.ESTABLISHED):
            return "NeverEstablished", "resource was never established"
        name = meta.name(definition)
        rs = self._resources.store_of(definition)
        if rs is None:
            raise RetryAfter("not served yet", self._next_look(name))
        try:
            left = await delete_instances(rs)
        except InstanceDeletionFailed as error:
            await self._condition(definition, "True", "InstanceDeletionFailed", str(error))
            raise
        if left:
            raise RetryAfter(f"{left} objects are left", self._next_look(name))
        return "InstanceDeletionCompleted", "removed all instances"

    def _next_look(self, name: str) -> float:
        seconds = self._looks.get(name, _FIRST_LOOK)
        self._looks[name] = min(seconds * 2, _LAST_LOOK)
        return seconds

    async def _condition(self, definition: Object, status: str, reason: str, message: str) -> Object:
        conditions = (definition.get("status") or {}).get("conditions")
        present = meta.get_condition(conditions, definitions.TERMINATING) or {}
        if (present.get("status"), present.get("reason"), present.get("message")) == (status, reason, message):
            return definition
        return await self._write(definition, lambda obj: _set_terminating(obj, status, reason, message))


def _set_terminating(obj: Object, status: str, reason: str, message: str) -> None:
    present = obj.setdefault("status", {})
    conditions = present["conditions"] = present.get("conditions") or []
    condition = {"type": definitions.TERMINATING, "status": status, "reason": reason, "message": message}
    meta.set_condition(conditions, condition)
