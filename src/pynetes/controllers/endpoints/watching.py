"""From changes of pods and Services to the Services whose endpoints may have changed."""

from collections.abc import Callable
from typing import Any

from pynetes.apimachinery import meta
from pynetes.client.informer import Informer
from pynetes.controllers.endpoints import membership

Object = dict[str, Any]


class ServiceTrigger:
    """Calls `enqueue(key)` for every Service that a change concerns."""

    def __init__(self, services: Informer, pods: Informer, enqueue: Callable[[str], None]) -> None:
        self._services = services
        self._enqueue = enqueue
        services.add_handler(self._service, lambda old, new: self._service(new), self._service)
        pods.add_handler(self._pod, self._pod_updated, self._pod)

    def _service(self, service: Object) -> None:
        self._enqueue(meta.key(service))

    def _pod(self, pod: Object) -> None:
        self._select(pod, meta.labels(pod))

    def _pod_updated(self, old: Object, new: Object) -> None:
        before, after = meta.labels(old), meta.labels(new)
        if membership.fingerprint(old) == membership.fingerprint(new) and before == after:
            return
        self._select(new, after)
        if before != after:
            self._select(old, before)

    def _select(self, pod: Object, labels: dict[str, str]) -> None:
        for service in self._services.list(meta.namespace(pod)):
            if membership.has_endpoints(service) and membership.selects(service, labels):
                self._enqueue(meta.key(service))


def pods_of(service: Object, pods: Informer) -> list[Object]:
    """The cached pods that a Service selects."""
    namespace = meta.namespace(service)
    return [pod for pod in pods.list(namespace) if membership.selects(service, meta.labels(pod))]
