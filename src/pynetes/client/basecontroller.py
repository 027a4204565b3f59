"""The shape all controllers share, whichever manager runs them: informers that add keys, workers that sync them."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, TypeVar

from pynetes.apimachinery import meta
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.client.controller import Controller
from pynetes.client.controllercontext import SharedContext
from pynetes.client.informer import Informer
from pynetes.client.workqueue import WorkQueue

Object = dict[str, Any]
C = TypeVar("C", bound=SharedContext)


class SharedController(ABC, Generic[C]):
    """A subclass sets `name` and `account`, asks for informers in its constructor and implements `sync`."""

    name: ClassVar[str]
    queue_name: ClassVar[str] = ""
    """What the original calls the queue, in whose metrics dashboards look for it; empty: `name`."""
    account: ClassVar[str]
    """The service account in kube-system that upstream's RBAC gives this controller's rights."""

    def __init__(self, context: C, *, workers: int = 1) -> None:
        self.context = context
        self.client = context.client_factory(self.account)
        self.queue: WorkQueue[str] = WorkQueue(self.queue_name or self.name)
        self._workers = workers
        self._informers: list[Informer] = []

    def informer(
        self, gvr: GroupVersionResource, *, namespace: str | None = None, field_selector: str = ""
    ) -> Informer:
        """The shared informer of a resource; `run` waits for its first list."""
        informer = self.context.informers.informer(gvr, namespace=namespace, field_selector=field_selector)
        self._informers.append(informer)
        return informer

    def enqueue(self, obj: Object) -> None:
        self.queue.add(meta.key(obj))

    def enqueue_update(self, old: Object, new: Object) -> None:
        self.queue.add(meta.key(new))

    async def wait_for_sync(self) -> None:
        for informer in self._informers:
            await informer.wait_for_sync()

    async def run(self) -> None:
        """Works until cancelled."""
        await self.wait_for_sync()
        await Controller(self.name, self.queue, self.sync, workers=self._workers).run()

    @abstractmethod
    async def sync(self, key: str) -> None:
        """Brings what belongs to `key` one step on. An error is logged and tried again later."""
