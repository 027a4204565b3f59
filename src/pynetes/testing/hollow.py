"""Hollow nodes: they run pods by writing their status as a kubelet would, with nothing behind it."""

from collections.abc import Callable
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.core.node_features import INIT_CONTAINER_RESIZE, POD_LEVEL_RESIZE, RESTART_ALL_CONTAINERS
from pynetes.apis.names import NODES, PODS
from pynetes.client.informer import Informer
from pynetes.client.rest import Client
from pynetes.component.tasks import Tasks
from pynetes.controllers.daemonset.placement import target_node

Object = dict[str, Any]

_ROOM = {"cpu": "64", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "500"}


def node_object(name: str, zone: str = "z1") -> Object:
    """A Node that is ready, with room for all that a test may want to run."""
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "topology.kubernetes.io/zone": zone}
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "ok"}
    features = [POD_LEVEL_RESIZE, INIT_CONTAINER_RESIZE, RESTART_ALL_CONTAINERS]
    status = {"conditions": [ready], "capacity": _ROOM, "allocatable": _ROOM, "declaredFeatures": features}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "status": status}


def ends_if_of_a_job(pod: Object) -> str:
    """The phase that a pod comes to: those of Jobs are done at once, all others run."""
    return "Succeeded" if any(owner["kind"] == "Job" for owner in meta.owner_references(pod)) else "Running"


class HollowNode:
    """Brings its pods up (unless told to leave one) and lets them go when they are deleted.

    With `binds` it is the scheduler, too: every pod without a node becomes one of its own, or of the node that the pod
    asks for, whose pods it runs as well.
    """

    def __init__(self, client: Client, tasks: Tasks, name: str = "n1", *, binds: bool = False, number: int = 0) -> None:
        self.client, self.name = client, name
        self.starts: Callable[[Object], bool] = lambda pod: True
        self.phase: str | Callable[[Object], str] = "Running"
        self._tasks, self._binds, self._number = tasks, binds, number
        self._ips: dict[str, str] = {}
        self.pods = Informer(client, PODS)
        self.pods.add_handler(self._seen, lambda old, new: self._seen(new))

    async def register(self) -> None:
        await self.client.create(NODES, node_object(self.name))
        self._tasks.start(self.pods.run(), name="hollow node")

    def _seen(self, pod: Object) -> None:
        if self._binds or pod["spec"].get("nodeName") == self.name:
            self._tasks.start(self._drive(pod), name=f"drive {meta.key(pod)}")

    async def _drive(self, pod: Object) -> None:
        name, namespace = meta.name(pod), meta.namespace(pod)
        try:
            if not pod["spec"].get("nodeName") and not meta.is_deleting(pod):
                target = {"apiVersion": "v1", "kind": "Node", "name": target_node(pod) or self.name}
                binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": target}
                await self.client.create(PODS, binding, namespace, name=name, subresource="binding")
            elif meta.is_deleting(pod):
                await self.client.delete(PODS, name, namespace, grace_period_seconds=0)
            elif pod["status"].get("phase") == "Pending" and self.starts(pod):
                phase = self.phase if isinstance(self.phase, str) else self.phase(pod)
                await self.run(pod, ready=phase == "Running", phase=phase)
        except StatusError as error:
            if error.code not in (404, 409):
                raise

    async def run(self, pod: Object, *, ready: bool = True, phase: str = "Running") -> None:
        """Writes that the pod is in this phase, whatever it was in before."""
        number = len(self._ips) + 2
        ip = self._ips.setdefault(meta.uid(pod), f"10.{244 - self._number}.{number // 250}.{number % 250}")
        condition = {
            "type": "Ready",
            "status": "True" if ready else "False",
            "lastTransitionTime": meta.creation_time(pod),
        }
        status = {"phase": phase, "podIP": ip, "podIPs": [{"ip": ip}], "conditions": [condition]}
        patch = {"status": {**status, "containerStatuses": _containers(pod, ready, phase)}}
        await self.client.patch(
            PODS, meta.name(pod), patch, meta.namespace(pod), type="strategic", subresource="status"
        )


def _containers(pod: Object, ready: bool, phase: str) -> list[Object]:
    """Their statuses; a pod that fails does so with its containers' exit code 1."""
    began = meta.creation_time(pod)
    ended = {"startedAt": began, "finishedAt": began}
    states: dict[str, Object] = {
        "Running": {"running": {"startedAt": began}},
        "Succeeded": {"terminated": {"exitCode": 0, "reason": "Completed", **ended}},
        "Failed": {"terminated": {"exitCode": 1, "reason": "Error", **ended}},
    }
    state = states.get(phase, {"waiting": {"reason": "ContainerCreating"}})
    return [
        {
            "name": container["name"],
            "image": container.get("image", ""),
            "imageID": "",
            "ready": ready,
            "started": phase == "Running",
            "restartCount": 0,
            "state": state,
        }
        for container in pod["spec"]["containers"]
    ]
