"""cloud-node-controller: makes new nodes ready for use by what the cloud knows of their machines."""

import logging

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import NODES
from pynetes.client.events import NORMAL
from pynetes.client.transport import TransportError
from pynetes.cloud.context import CloudContext, CloudController
from pynetes.cloud.controllers import nodechanges
from pynetes.cloud.controllers.nodechanges import Object
from pynetes.cloud.interface import InstanceMetadata
from pynetes.component.tasks import Tasks, run_forever

log = logging.getLogger(__name__)


class CloudNodeController(CloudController):
    """Initializes nodes that carry the taint, keeps labels of two generations alike, follows addresses."""

    name = "cloud-node-controller"
    queue_name = "Nodes"
    account = "cloud-node-controller"

    def __init__(self, context: CloudContext) -> None:
        super().__init__(context, workers=context.config.concurrent_node_syncs)
        assert context.provider.instances is not None
        self.instances = context.provider.instances
        self.recorder = context.recorder(self.account, "cloud-node-controller")
        self.nodes = self.informer(NODES)
        self.nodes.add_handler(self.enqueue, self.enqueue_update)

    async def run(self) -> None:
        await self.wait_for_sync()
        async with Tasks(self.name) as tasks:
            period = self.context.config.node_status_update_frequency
            tasks.start(run_forever(self.update_addresses, period=period, name="node addresses"), name="addresses")
            await super().run()

    async def update_addresses(self) -> None:
        """Asks for the addresses of all initialized nodes. One that cannot be asked for does not hold up the rest."""
        for node in self.nodes.list():
            if nodechanges.is_uninitialized(node):
                continue
            try:
                metadata = await self.instances.metadata(node)
                if metadata is not None:
                    await self._update_addresses(node, metadata)
            except (StatusError, TransportError, ValueError) as error:
                log.warning("addresses of node %s: %s", node["metadata"]["name"], error)
            except Exception:
                log.exception("addresses of node %s", node["metadata"]["name"])

    async def sync(self, key: str) -> None:
        node = self.nodes.get(key)
        if node is None:
            return
        if nodechanges.is_uninitialized(node):
            await self._initialize(node)
        elif labels := nodechanges.labels_to_reconcile(node):
            await self.client.patch(NODES, key, {"metadata": {"labels": labels}}, type="strategic")

    async def _initialize(self, node: Object) -> None:
        metadata = await self.instances.metadata(node)
        if metadata is None:
            return  # the cloud will know it later, and the kubelet's reports bring the node here again
        name = node["metadata"]["name"]
        if not metadata.provider_id and not (node.get("spec") or {}).get("providerID"):
            raise ValueError(f"cloud provider does not set node provider ID for node {name}")
        written = await self.client.update(NODES, nodechanges.initialized(node, metadata))
        await self._update_addresses(written, metadata)
        reference = {"kind": "Node", "apiVersion": "v1", "name": name, "uid": node["metadata"].get("uid")}
        self.recorder.event(reference, NORMAL, "Synced", "Node synced successfully")
        log.info("initialized node %s with cloud provider", name)

    async def _update_addresses(self, node: Object, metadata: InstanceMetadata) -> None:
        wanted = nodechanges.addresses_for(node, metadata.addresses)
        current = (node.get("status") or {}).get("addresses") or []
        if wanted and nodechanges.addresses_differ(current, wanted):
            # A merge patch, because a strategic one would keep addresses of other types.
            patch = {"status": {"addresses": wanted}}
            await self.client.patch(NODES, node["metadata"]["name"], patch, subresource="status")
