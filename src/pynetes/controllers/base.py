"""The shape all controllers share: informers that add keys, workers that sync them."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.client.controller import Controller
from pynetes.client.informer import Informer
from pynetes.client.workqueue import WorkQueue
from pynetes.controllers.context import ControllerContext

Object = dict[str, Any]

NAMESPACE_TERMINATING = "NamespaceTerminating"


class BaseController(ABC):
    """A subclass sets `name` and `account`, asks for informers in its constructor and implements `sync`."""

    name: ClassVar[str]
    account: ClassVar[str]
    """The service account in kube-system that upstream's RBAC gives this controller's rights."""

    def __init__(self, context: ControllerContext, *, workers: int = 1) -> None:
        self.context = context
        self.client = context.client_factory(self.account)
        self.queue: WorkQueue[str] = WorkQueue(self.name)
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


def has_cause(error: StatusError, reason: str) -> bool:
    """Whether a refusal names `reason` among its causes (a namespace that is being terminated, …)."""
    return any(cause.get("reason") == reason for cause in error.details.get("causes") or ())
