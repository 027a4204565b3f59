"""root-ca-certificate-publisher-controller: the API server's CA as a ConfigMap in every namespace."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import CONFIG_MAPS, NAMESPACES
from pynetes.controllers.base import NAMESPACE_TERMINATING, BaseController, has_cause
from pynetes.controllers.context import ControllerContext

Object = dict[str, Any]

CONFIG_MAP = "kube-root-ca.crt"
DESCRIPTION = "kubernetes.io/description"
DESCRIPTION_TEXT = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
)


class RootCACertificatePublisher(BaseController):
    """Creates `kube-root-ca.crt` and puts it right when someone changes or deletes it."""

    name = "root-ca-certificate-publisher-controller"
    queue_name = "root_ca_cert_publisher"
    account = "root-ca-cert-publisher"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=1)
        self.namespaces = self.informer(NAMESPACES)
        self.namespaces.add_handler(self.enqueue, self.enqueue_update)
        self.maps = self.informer(CONFIG_MAPS, field_selector=f"metadata.name={CONFIG_MAP}")
        self.maps.add_handler(on_update=lambda old, new: self._touched(new), on_delete=self._touched)

    def _touched(self, config_map: Object) -> None:
        self.queue.add(meta.namespace(config_map))

    async def sync(self, key: str) -> None:
        namespace = self.namespaces.get(key)
        if namespace is None or (namespace.get("status") or {}).get("phase") == "Terminating":
            return
        data = {"ca.crt": self.context.config.root_ca}
        current = self.maps.get(f"{key}/{CONFIG_MAP}")
        if current is None:
            await self._create(key, data)
        elif current.get("data") != data or DESCRIPTION not in meta.annotations(current):
            notes = {**meta.annotations(current), DESCRIPTION: DESCRIPTION_TEXT}
            changed = {**current, "metadata": {**current["metadata"], "annotations": notes}, "data": data}
            await self.client.update(CONFIG_MAPS, changed)

    async def _create(self, namespace: str, data: dict[str, str]) -> None:
        metadata = {"name": CONFIG_MAP, "namespace": namespace, "annotations": {DESCRIPTION: DESCRIPTION_TEXT}}
        config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        try:
            await self.client.create(CONFIG_MAPS, config_map)
        except StatusError as error:
            if error.reason != "AlreadyExists" and not has_cause(error, NAMESPACE_TERMINATING):
                raise
