"""taint-eviction-controller: pods leave nodes with NoExecute taints that they do not (or no longer) tolerate."""

from typing import Any

from pynetes.apimachinery import meta, times
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import NODES, PODS
from pynetes.client.events import NORMAL
from pynetes.component import clock
from pynetes.controllers.base import BaseController
from pynetes.controllers.context import ControllerContext
from pynetes.controllers.nodelifecycle import tolerations
from pynetes.controllers.podcontrol import podindex, state

Object = dict[str, Any]

CONDITION = {
    "type": "DisruptionTarget",
    "status": "True",
    "reason": "DeletionByTaintManager",
    "message": "Taint manager: deleting due to NoExecute taint",
}


class TaintEvictionController(BaseController):
    """Keys are pods on tainted nodes; each is looked at again when its time is up."""

    name = "taint-eviction-controller"
    queue_name = "noexec_taint_node"
    account = "node-controller"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=8)
        self.recorder = context.recorder(self.account, self.name)
        self.nodes = self.informer(NODES)
        self.pods = self.informer(PODS)
        podindex.index_by_node(self.pods)
        self.nodes.add_handler(self._node_seen, self._node_updated)
        self.pods.add_handler(self._pod_seen, self._pod_updated, self._pod_deleted)
        self._since: dict[str, tuple[str, float]] = {}
        """Pods to evict later: uid, and since when (monotonic) their time runs."""

    def _node_seen(self, node: Object) -> None:
        if tolerations.no_execute(node):
            self._enqueue_node(meta.name(node))

    def _node_updated(self, old: Object, new: Object) -> None:
        if tolerations.no_execute(old) != tolerations.no_execute(new):
            self._enqueue_node(meta.name(new))

    def _enqueue_node(self, name: str) -> None:
        for pod in podindex.on_node(self.pods, name):
            self.enqueue(pod)

    def _pod_seen(self, pod: Object) -> None:
        node = self.nodes.get(state.node_name(pod))
        if node is not None and tolerations.no_execute(node):
            self.enqueue(pod)

    def _pod_updated(self, old: Object, new: Object) -> None:
        before, after = old.get("spec") or {}, new.get("spec") or {}
        if before.get("nodeName") != after.get("nodeName") or before.get("tolerations") != after.get("tolerations"):
            self._pod_seen(new)

    def _pod_deleted(self, pod: Object) -> None:
        self._since.pop(meta.key(pod), None)

    async def sync(self, key: str) -> None:
        pod = self.pods.get(key)
        if pod is None or meta.is_deleting(pod):
            self._since.pop(key, None)
            return
        node = self.nodes.get(state.node_name(pod))
        present = tolerations.no_execute(node) if node is not None else []
        bearable = tolerations.seconds((pod.get("spec") or {}).get("tolerations") or [], present) if present else None
        if bearable is None:
            self._cancel(key, pod)
            return
        now = clock.monotonic()
        uid, since = self._since.get(key, ("", now))
        if uid != meta.uid(pod):
            since = now
        self._since[key] = (meta.uid(pod), since)
        wait = since + bearable - now
        if wait > 0:
            self.queue.add_after(key, wait)
            return
        await self._evict(key, pod)

    def _cancel(self, key: str, pod: Object) -> None:
        if self._since.pop(key, None) is not None:
            self.recorder.event(pod, NORMAL, "TaintManagerEviction", f"Cancelling deletion of Pod {key}")

    async def _evict(self, key: str, pod: Object) -> None:
        self.recorder.event(pod, NORMAL, "TaintManagerEviction", f"Marking for deletion Pod {key}")
        name, namespace = meta.name(pod), meta.namespace(pod)
        stamp = times.format_time(clock.now())
        condition = {**CONDITION, "lastTransitionTime": stamp, **meta.observed_generation(pod)}
        patch = {"metadata": {"uid": meta.uid(pod)}, "status": {"conditions": [condition]}}
        try:
            await self.client.patch(PODS, name, patch, namespace, type="strategic", subresource="status")
            await self.client.delete(PODS, name, namespace, uid=meta.uid(pod))
        except StatusError as error:
            if error.code != 404:
                raise
        self._since.pop(key, None)
