"""pod-garbage-collector-controller: deletes pods that nobody else will.

Four kinds: finished ones beyond the threshold (the oldest first), those on nodes that no longer exist, those deleted
before they were scheduled, and those stuck on nodes marked out of service. `choose` decides and is pure.
"""

import asyncio
import logging
from typing import Any

from msgspec import Struct

from pynetes.apimachinery import meta, times
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import NODES, PODS
from pynetes.client.transport import TransportError
from pynetes.component import clock
from pynetes.controllers.base import BaseController
from pynetes.controllers.context import ControllerContext
from pynetes.controllers.podcontrol import state

log = logging.getLogger(__name__)

Object = dict[str, Any]

PERIOD = 20.0
QUARANTINE = 40.0
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
ORPHANED = {"reason": "DeletionByPodGC", "message": "PodGC: node no longer exists"}


class Doomed(Struct, frozen=True):
    """A pod to delete; `orphaned` ones are told that their node is gone."""

    pod: Object
    orphaned: bool = False


def choose(pods: list[Object], nodes: dict[str, Object], gone: set[str], threshold: int) -> list[Doomed]:
    """The pods to delete now; `gone` are nodes that have been missing for long enough."""
    doomed: dict[str, Doomed] = {}
    finished = [pod for pod in pods if state.phase(pod) not in ("Pending", "Running", "Unknown")]
    if threshold > 0 and len(finished) > threshold:
        for pod in sorted(finished, key=_finished_order)[: len(finished) - threshold]:
            doomed[meta.key(pod)] = Doomed(pod)
    for pod in pods:
        node = state.node_name(pod)
        if node in gone:
            doomed[meta.key(pod)] = Doomed(pod, orphaned=True)
        elif meta.is_deleting(pod) and (not node or _is_out_of_service(nodes.get(node))):
            doomed[meta.key(pod)] = Doomed(pod)
    return list(doomed.values())


def _finished_order(pod: Object) -> tuple[bool, str, str]:
    """Evicted pods first, then the oldest."""
    evicted = (pod.get("status") or {}).get("reason") == "Evicted"
    return not evicted, meta.creation_time(pod), meta.name(pod)


def _is_out_of_service(node: Object | None) -> bool:
    if node is None:
        return False
    ready = meta.is_condition_true((node.get("status") or {}).get("conditions"), "Ready")
    taints = (node.get("spec") or {}).get("taints") or ()
    return not ready and any(taint["key"] == OUT_OF_SERVICE for taint in taints)


class PodGarbageCollector(BaseController):
    """Looks at all pods every 20 seconds; a node must be missing for 40 before its pods go."""

    name = "pod-garbage-collector-controller"
    queue_name = "orphaned_pods_nodes"
    account = "pod-garbage-collector"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=1)
        self.pods = self.informer(PODS)
        self.nodes = self.informer(NODES)
        self._missing_since: dict[str, float] = {}
        self.pods.add_handler(self._pod_seen, lambda old, new: self._pod_seen(new))

    def _pod_seen(self, pod: Object) -> None:
        """A pod deleted before it was scheduled need not wait for the next round."""
        if meta.is_deleting(pod) and not state.node_name(pod):
            self.queue.add("pods")

    async def run(self) -> None:
        self.queue.add("pods")
        await super().run()

    async def sync(self, key: str) -> None:
        self.queue.add_after(key, PERIOD)
        nodes = {meta.name(node): node for node in self.nodes.list()}
        gone = await self._gone({state.node_name(pod) for pod in self.pods.list()} - nodes.keys() - {""})
        doomed = choose(self.pods.list(), nodes, gone, self.context.config.terminated_pod_gc_threshold)
        await asyncio.gather(*(self._delete(entry) for entry in doomed))

    async def _gone(self, missing: set[str]) -> set[str]:
        """The nodes missing from the cache for the quarantine, and from the API server now."""
        now = clock.monotonic()
        self._missing_since = {name: self._missing_since.get(name, now) for name in missing}
        gone = set()
        for name, since in self._missing_since.items():
            if now - since >= QUARANTINE and not await self._exists(name):
                gone.add(name)
        return gone

    async def _exists(self, node: str) -> bool:
        try:
            await self.client.get(NODES, node, metadata_only=True)
        except StatusError as error:
            return error.code != 404
        return True

    async def _delete(self, doomed: Doomed) -> None:
        pod = doomed.pod
        name, namespace = meta.name(pod), meta.namespace(pod)
        try:
            if not state.is_terminal(pod):
                await self.client.patch(
                    PODS, name, failed_patch(doomed), namespace, type="strategic", subresource="status"
                )
            await self.client.delete(PODS, name, namespace, grace_period_seconds=0, uid=meta.uid(pod))
        except StatusError as error:
            if error.code not in (404, 409):
                log.warning("could not delete pod %s: %s", meta.key(pod), error)
        except TransportError as error:
            log.info("could not delete pod %s: %s", meta.key(pod), error)


def failed_patch(doomed: Doomed) -> Object:
    """The status of a pod that will never report itself again."""
    observed = meta.observed_generation(doomed.pod)
    status: Object = {"phase": "Failed", **observed}
    if doomed.orphaned:
        stamp = times.format_time(clock.now())
        condition = {"type": "DisruptionTarget", "status": "True", "lastTransitionTime": stamp, **ORPHANED, **observed}
        status["conditions"] = [condition]
    return {"metadata": {"uid": meta.uid(doomed.pod)}, "status": status}
