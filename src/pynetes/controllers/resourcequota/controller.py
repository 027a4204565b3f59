"""The loop: a quota is counted when it changes, when what it counts goes or takes less, and every few minutes."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.apis.names import CUSTOM_RESOURCE_DEFINITIONS, RESOURCE_QUOTAS
from pynetes.client.controller import Controller, TryAgain
from pynetes.component import clock
from pynetes.component.tasks import Tasks
from pynetes.controllers.base import BaseController
from pynetes.controllers.context import ControllerContext
from pynetes.controllers.resourcequota.counted import CountedTypes
from pynetes.controllers.resourcequota.counting import counted_types, counts_otherwise, status_of

Object = dict[str, Any]

#: Seconds after which informers know what was written, almost always.
_SETTLED = 2.0


class ResourceQuotaController(BaseController):
    name = "resourcequota-controller"
    account = "resourcequota-controller"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=context.config.concurrent_resource_quota_syncs)
        self._types: CountedTypes | None = None
        self.quotas = self.informer(RESOURCE_QUOTAS)
        self.quotas.add_handler(self.enqueue, self._quota_changed)
        self.informer(CUSTOM_RESOURCE_DEFINITIONS).add_handler(
            lambda obj: self._enqueue_all(), None, self._type_is_gone
        )

    async def run(self) -> None:
        await self.wait_for_sync()
        async with Tasks(self.name) as tasks:
            self._types = CountedTypes(
                self.client, self.context.informers, tasks, self._object_changed, self._object_came
            )
            tasks.start(self._resync(), name="resync")
            await Controller(self.name, self.queue, self.sync, workers=self._workers).run()

    async def _resync(self) -> None:
        while True:
            await clock.sleep(self.context.config.resource_quota_sync_period)
            self._enqueue_all()

    def _enqueue_all(self) -> None:
        for quota in self.quotas.list():
            self.enqueue(quota)

    def _quota_changed(self, old: Object, new: Object) -> None:
        """Its own counts, and admission's charges, are no reason to count."""
        if old.get("spec") != new.get("spec"):
            self.enqueue(new)

    def _type_is_gone(self, definition: Object) -> None:
        spec = definition["spec"]
        if self._types is not None:
            self._types.forget(f"{spec['names']['plural']}.{spec['group']}")
        self._enqueue_all()

    def _object_changed(self, resource: str, old: Object | None, new: Object) -> None:
        now = clock.now()
        for quota in self.quotas.list(meta.namespace(new)):
            concerned = resource in counted_types(quota)
            if concerned and (old is None or counts_otherwise(quota, resource, old, new, now)):
                self.enqueue(quota)

    def _object_came(self, resource: str, old: Object | None, new: Object) -> None:
        """It was charged in admission, but a count may have missed it that was on its way at that time."""
        for quota in self.quotas.list(meta.namespace(new)):
            if resource in counted_types(quota):
                self.queue.add_after(meta.key(quota), _SETTLED)

    async def sync(self, key: str) -> None:
        quota = self.quotas.get(key)
        if quota is None:
            return
        assert self._types is not None
        namespace = meta.namespace(quota)
        objects: dict[str, list[Object]] = {}
        for resource in sorted(counted_types(quota)):
            try:
                found = await self._types.objects(resource, namespace)
            except TimeoutError:
                raise TryAgain(f"{resource} cannot be listed yet") from None
            if found is not None:
                objects[resource] = found
        quota = self.quotas.get(key) or quota  # it may have been charged meanwhile
        status = status_of(quota, objects, clock.now())
        if status != quota.get("status"):
            await self.client.update_status(RESOURCE_QUOTAS, {**quota, "status": status})
