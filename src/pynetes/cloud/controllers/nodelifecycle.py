"""cloud-node-lifecycle-controller: nodes that do not report are asked for in the cloud.

One whose machine is gone is deleted; one whose machine is shut down is tainted until it is ready again.
"""

import logging
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import NODES
from pynetes.client.events import NORMAL, WARNING
from pynetes.cloud.context import CloudContext, CloudController
from pynetes.cloud.controllers.nodepredicates import is_ready
from pynetes.component.tasks import run_forever

log = logging.getLogger(__name__)

Object = dict[str, Any]

SHUTDOWN_TAINT = {"key": "node.cloudprovider.kubernetes.io/shutdown", "effect": "NoSchedule"}


def taints_with_shutdown(node: Object, shut_down: bool) -> list[Object] | None:
    """The taints the node shall have; None if it has them."""
    taints = list((node.get("spec") or {}).get("taints") or ())
    others = [taint for taint in taints if (taint["key"], taint["effect"]) != tuple(SHUTDOWN_TAINT.values())]
    if (len(others) != len(taints)) == shut_down:
        return None
    return [*others, dict(SHUTDOWN_TAINT)] if shut_down else others


class CloudNodeLifecycleController(CloudController):
    """Looks at all nodes every `node_monitor_period`."""

    name = "cloud-node-lifecycle-controller"
    account = "cloud-node-lifecycle-controller"

    def __init__(self, context: CloudContext) -> None:
        super().__init__(context)
        assert context.provider.instances is not None
        self.instances = context.provider.instances
        self.recorder = context.recorder(self.account, "cloud-node-lifecycle-controller")
        self.nodes = self.informer(NODES)

    async def run(self) -> None:
        await self.wait_for_sync()
        await run_forever(self.monitor, period=self.context.config.node_monitor_period, name=self.name)

    async def monitor(self) -> None:
        for node in self.nodes.list():
            try:
                await self.sync(meta.name(node))
            except StatusError as error:
                log.warning("node %s: %s", meta.name(node), error)
            except Exception:
                log.exception("node %s", meta.name(node))  # the cloud could not be asked: the next round comes soon

    async def sync(self, key: str) -> None:
        node = self.nodes.get(key)
        if node is None:
            return
        if is_ready(node):
            await self._taint(node, shut_down=False)
        elif not await self.instances.exists(node):
            await self._delete(node)
        elif await self.instances.is_shut_down(node):
            await self._taint(node, shut_down=True)

    async def _delete(self, node: Object) -> None:
        name = meta.name(node)
        reference = {"kind": "Node", "apiVersion": "v1", "name": name, "uid": meta.uid(node)}
        text = f"Deleting node {name} because it does not exist in the cloud provider"
        self.recorder.event(reference, NORMAL, "DeletingNode", text)
        try:
            await self.client.delete(NODES, name, uid=meta.uid(node))
        except StatusError as error:
            if error.code != 404:
                self.recorder.event(reference, WARNING, "DeletingNodeFailed", f"Failed deleting node {name}: {error}")

    async def _taint(self, node: Object, *, shut_down: bool) -> None:
        taints = taints_with_shutdown(node, shut_down)
        if taints is not None:
            patch = {"metadata": {"resourceVersion": meta.resource_version(node)}, "spec": {"taints": taints}}
            await self.client.patch(NODES, meta.name(node), patch)
