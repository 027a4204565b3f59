"""Reads the state of pods out of the runtime."""

import asyncio
from collections.abc import Iterable

from msgspec import Struct, field

from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.cri.channel import CRIError
from pynetes.kubelet.cri.runtime import RuntimeService
from pynetes.kubelet.runtime import labels
from pynetes.kubelet.runtime.pod_status import CRI_STATES, ContainerStatus, PodStatus, SandboxStatus, State
from pynetes.kubelet.runtime.termination_message import termination_message


def sandbox_status(message: pb.PodSandboxStatus) -> SandboxStatus:
    ips = [message.network.ip, *(extra.ip for extra in message.network.additional_ips)]
    return SandboxStatus(
        id=message.id,
        ready=message.state == pb.SANDBOX_READY,
        attempt=message.metadata.attempt,
        created_at=message.created_at,
        host_network=message.linux.namespaces.options.network == pb.NODE,
        ips=tuple(ip for ip in ips if ip),
        has_network=message.HasField("network"),
    )


def container_status(message: pb.ContainerStatus, *, sandbox_id: str = "", runtime_name: str) -> ContainerStatus:
    state = CRI_STATES.get(message.state, State.UNKNOWN)
    out = ContainerStatus(
        id=message.id,
        name=message.labels.get(labels.CONTAINER_NAME, message.metadata.name),
        state=state,
        sandbox_id=sandbox_id,
        created_at=message.created_at,
        started_at=message.started_at if state is not State.CREATED else 0,
        image=message.image.image,
        image_ref=message.image_ref,
        hash=labels.hash_of(message.annotations),
        restart_count=labels.restart_count_of(message.annotations),
        resources=message.resources.linux if message.HasField("resources") else None,
        user=_user(message),
        log_path=message.log_path,
        runtime_name=runtime_name,
    )
    if state is State.EXITED:
        out.finished_at, out.exit_code, out.reason = message.finished_at, message.exit_code, message.reason
        own = termination_message(message, *labels.termination_message_of(message.annotations))
        out.message = ": ".join(part for part in (message.message, own) if part)
    return out


def _user(message: pb.ContainerStatus) -> dict[str, object] | None:
    if not message.HasField("user") or not message.user.HasField("linux"):
        return None
    linux = message.user.linux
    out: dict[str, object] = {"uid": linux.uid, "gid": linux.gid}
    if linux.supplemental_groups:
        out["supplementalGroups"] = list(linux.supplemental_groups)
    return {"linux": out}


class RuntimePod(Struct):
    """A pod as the runtime's lists show it: enough to notice changes and to find leftovers."""

    uid: str
    name: str
    namespace: str
    sandboxes: dict[str, bool] = field(default_factory=dict)
    """Id and whether it is ready."""
    containers: dict[str, State] = field(default_factory=dict)

    @property
    def alive(self) -> bool:
        """Something of it may still run."""
        return any(self.sandboxes.values()) or any(
            s in (State.RUNNING, State.UNKNOWN) for s in self.containers.values()
        )


def _group(sandboxes: Iterable[pb.PodSandbox], containers: Iterable[pb.Container]) -> dict[str, RuntimePod]:
    out: dict[str, RuntimePod] = {}

    def pod(found: pb.PodSandbox | pb.Container) -> RuntimePod | None:
        uid = found.labels.get(labels.POD_UID)
        if not uid:
            return None
        name, namespace = found.labels.get(labels.POD_NAME, ""), found.labels.get(labels.POD_NAMESPACE, "")
        return out.setdefault(uid, RuntimePod(uid, name, namespace))

    for sandbox in sandboxes:
        if owner := pod(sandbox):
            owner.sandboxes[sandbox.id] = sandbox.state == pb.SANDBOX_READY
    for container in containers:
        if owner := pod(container):
            owner.containers[container.id] = CRI_STATES.get(container.state, State.UNKNOWN)
    return out


class RuntimeInspector:
    """Statuses of exited containers never change: each is asked for once."""

    def __init__(self, runtime: RuntimeService, *, runtime_name: str) -> None:
        self._runtime, self._runtime_name = runtime, runtime_name
        self._exited: dict[str, ContainerStatus] = {}

    async def list_pods(self) -> dict[str, RuntimePod]:
        """All pods that have anything in the runtime, by uid."""
        sandboxes, containers = await asyncio.gather(
            self._runtime.list_pod_sandboxes(), self._runtime.list_containers()
        )
        alive = {container.id for container in containers}
        for gone in self._exited.keys() - alive:
            del self._exited[gone]
        return _group(sandboxes, containers)

    async def pod_status(self, uid: str) -> PodStatus:
        """Everything about one pod. Raises CRIError."""
        selector = {labels.POD_UID: uid}
        sandboxes, containers = await asyncio.gather(
            self._runtime.list_pod_sandboxes(pb.PodSandboxFilter(label_selector=selector)),
            self._runtime.list_containers(pb.ContainerFilter(label_selector=selector)),
        )
        sandboxes.sort(key=lambda s: (s.created_at, s.id), reverse=True)
        found_sandboxes, found_containers = await asyncio.gather(
            asyncio.gather(*(self._sandbox(s.id) for s in sandboxes)),
            asyncio.gather(*(self._container(c) for c in containers)),
        )
        out = PodStatus(uid)
        if sandboxes or containers:
            found = sandboxes[0].labels if sandboxes else containers[0].labels
            out.name, out.namespace = found.get(labels.POD_NAME, ""), found.get(labels.POD_NAMESPACE, "")
        out.sandboxes = [s for s in found_sandboxes if s is not None]
        out.containers = sorted((c for c in found_containers if c is not None), key=lambda c: -c.created_at)
        if out.sandboxes and out.sandboxes[0].ready:
            out.ips = list(out.sandboxes[0].ips)
        return out

    async def _sandbox(self, sandbox_id: str) -> SandboxStatus | None:
        try:
            answer = await self._runtime.pod_sandbox_status(sandbox_id)
        except CRIError as error:
            # Removed between the list and this question: as if the list had not shown it.
            if error.not_found:
                return None
            raise
        return sandbox_status(answer.status)

    async def _container(self, listed: pb.Container) -> ContainerStatus | None:
        if known := self._exited.get(listed.id):
            return known
        try:
            answer = await self._runtime.container_status(listed.id)
        except CRIError as error:
            if error.not_found:
                return None
            raise
        found = container_status(answer.status, sandbox_id=listed.pod_sandbox_id, runtime_name=self._runtime_name)
        if found.state is State.EXITED:
            self._exited[listed.id] = found
        return found
