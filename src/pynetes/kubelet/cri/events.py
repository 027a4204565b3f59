"""What happens to containers, as the runtime tells it within milliseconds.

containerd publishes task events on the socket that also speaks CRI; other runtimes answer Unimplemented and the
caller relists instead.
"""

from collections.abc import AsyncIterator
from typing import Literal

from msgspec import Struct

from pynetes.kubelet.cri import containerd_pb2
from pynetes.kubelet.cri.channel import Channel

_TOPICS: dict[str, Literal["start", "exit", "oom", "delete"]] = {
    "/tasks/start": "start",
    "/tasks/exit": "exit",
    "/tasks/oom": "oom",
    "/tasks/delete": "delete",
}


class RuntimeEvent(Struct, frozen=True):
    type: Literal["start", "exit", "oom", "delete"]
    container_id: str
    """A container's or a sandbox's: to containerd they are the same kind of thing."""


async def subscribe(channel: Channel, namespace: str = "k8s.io") -> AsyncIterator[RuntimeEvent]:
    """Events from now on. Raises CRIError when the runtime has no such service or goes away."""
    request = containerd_pb2.SubscribeRequest(filters=[f"namespace=={namespace},topic~=^/tasks/"])
    method = "/containerd.services.events.v1.Events/Subscribe"
    async for envelope in channel.stream(method, request, containerd_pb2.Envelope):
        kind = _TOPICS.get(envelope.topic)
        if kind is None:
            continue
        task = containerd_pb2.TaskEvent.FromString(envelope.event.value)
        # An exec's end is a task exit too, with an id of its own: not the container's end.
        if kind == "exit" and task.id and task.id != task.container_id:
            continue
        yield RuntimeEvent(kind, task.container_id)
