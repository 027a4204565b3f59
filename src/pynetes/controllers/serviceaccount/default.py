"""serviceaccount-controller: every namespace has a ServiceAccount named `default`."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import NAMESPACES, SERVICE_ACCOUNTS
from pynetes.controllers.base import NAMESPACE_TERMINATING, BaseController, has_cause
from pynetes.controllers.context import ControllerContext

Object = dict[str, Any]

DEFAULT = "default"


class ServiceAccountController(BaseController):
    """Creates the default ServiceAccount in new namespaces, and again when someone deletes it."""

    name = "serviceaccount-controller"
    queue_name = "serviceaccount"
    account = "service-account-controller"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=1)
        self.namespaces = self.informer(NAMESPACES)
        self.namespaces.add_handler(self.enqueue, self.enqueue_update)
        self.accounts = self.informer(SERVICE_ACCOUNTS)
        self.accounts.add_handler(on_delete=lambda account: self.queue.add(meta.namespace(account)))

    async def sync(self, key: str) -> None:
        namespace = self.namespaces.get(key)
        if namespace is None or (namespace.get("status") or {}).get("phase") == "Terminating":
            return
        if self.accounts.get(f"{key}/{DEFAULT}") is not None:
            return
        account = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": DEFAULT, "namespace": key},
        }
        try:
            await self.client.create(SERVICE_ACCOUNTS, account)
        except StatusError as error:
            if error.reason != "AlreadyExists" and not has_cause(error, NAMESPACE_TERMINATING):
                raise
