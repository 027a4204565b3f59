"""namespace-controller: when a namespace is being deleted, its content goes first."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import NAMESPACES, PODS
from pynetes.component import clock
from pynetes.controllers.base import BaseController
from pynetes.controllers.context import ControllerContext
from pynetes.controllers.namespace import conditions
from pynetes.controllers.namespace.content import ContentDeleter

Object = dict[str, Any]

FINALIZER = "kubernetes"
DELAY = 1.0
"""Seconds between a deletion and the first look, in which all API servers learn to admit nothing more."""


class NamespaceController(BaseController):
    """Empties terminating namespaces and removes the `kubernetes` finalizer from their specs."""

    name = "namespace-controller"
    queue_name = "namespace"
    account = "namespace-controller"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=context.config.concurrent_namespace_syncs)
        self.namespaces = self.informer(NAMESPACES)
        self.namespaces.add_handler(self._seen, lambda old, new: self._seen(new))
        self.informer(PODS).add_handler(on_delete=self._pod_deleted)
        self._content = ContentDeleter(self.client)

    def _seen(self, namespace: Object) -> None:
        if meta.is_deleting(namespace) and FINALIZER in _finalizers(namespace):
            self.queue.add_after(meta.key(namespace), DELAY)

    def _pod_deleted(self, pod: Object) -> None:
        """Perhaps the last one that a namespace waited for."""
        namespace = self.namespaces.get(meta.namespace(pod))
        if namespace is not None and meta.is_deleting(namespace):
            self.enqueue(namespace)

    async def sync(self, key: str) -> None:
        cached = self.namespaces.get(key)
        if cached is None or not meta.is_deleting(cached):
            return
        try:
            namespace = await self.client.get(NAMESPACES, key)
        except StatusError as error:
            if error.code == 404:
                return
            raise
        if meta.uid(namespace) != meta.uid(cached) or not meta.is_deleting(namespace):
            return
        if FINALIZER not in _finalizers(namespace):
            return
        outcome = await self._content.delete_all(key)
        namespace = await self._report(namespace, outcome)
        if outcome.is_empty:
            await self._finalize(namespace)
        elif outcome.errors or outcome.undiscovered:
            raise ContentRemains(f"namespace {key}: {outcome.errors or outcome.undiscovered}")
        else:
            self.queue.add_after(key, min(outcome.estimate / 2, 15) + 1)

    async def _report(self, namespace: Object, outcome: conditions.Outcome) -> Object:
        """Also makes sure that the phase says Terminating, which the API server set at the deletion."""
        status = namespace.get("status") or {}
        present = status.get("conditions") or []
        if outcome.is_empty and not present:
            return namespace  # gone before anyone had to be told why it is not
        wanted = conditions.update(present, outcome, clock.now())
        if wanted == present and status.get("phase") == "Terminating":
            return namespace
        changed = {**namespace, "status": {**status, "phase": "Terminating", "conditions": wanted}}
        return await self.client.update_status(NAMESPACES, changed)

    async def _finalize(self, namespace: Object) -> None:
        left = [f for f in _finalizers(namespace) if f != FINALIZER]
        changed = {**namespace, "spec": {**(namespace.get("spec") or {}), "finalizers": left}}
        try:
            await self.client.update(NAMESPACES, changed, subresource="finalize")
        except StatusError as error:
            if error.code != 404:
                raise


class ContentRemains(Exception):
    """A pass could not delete everything; another may."""


def _finalizers(namespace: Object) -> list[str]:
    return (namespace.get("spec") or {}).get("finalizers") or []
