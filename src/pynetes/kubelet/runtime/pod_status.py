"""What the runtime knows of a pod: its sandboxes and containers, newest first."""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from msgspec import Struct, field

from pynetes.kubelet.cri import runtime_pb2 as pb

RUNTIME_NAME = "containerd"


class State(Enum):
    CREATED = "created"
    RUNNING = "running"
    EXITED = "exited"
    UNKNOWN = "unknown"


CRI_STATES: Mapping[int, State] = {
    pb.CONTAINER_CREATED: State.CREATED,
    pb.CONTAINER_RUNNING: State.RUNNING,
    pb.CONTAINER_EXITED: State.EXITED,
    pb.CONTAINER_UNKNOWN: State.UNKNOWN,
}


class ContainerStatus(Struct):
    """One container in the runtime, past or present. Times are nanoseconds since the epoch, 0 for never."""

    id: str
    name: str
    state: State
    sandbox_id: str = ""
    created_at: int = 0
    started_at: int = 0
    finished_at: int = 0
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    image: str = ""
    image_ref: str = ""
    hash: int = 0
    restart_count: int = 0
    resources: pb.LinuxContainerResources | None = None
    user: dict[str, Any] | None = None
    log_path: str = ""
    runtime_name: str = RUNTIME_NAME

    @property
    def container_id(self) -> str:
        """As the API shows it: `containerd://…`."""
        return f"{self.runtime_name}://{self.id}"


class SandboxStatus(Struct):
    id: str
    ready: bool
    attempt: int = 0
    created_at: int = 0
    host_network: bool = False
    ips: tuple[str, ...] = ()
    has_network: bool = True
    """Whether the runtime answered about the network at all."""


class PodStatus(Struct):
    """A pod as the runtime sees it. Sandboxes and containers are sorted newest first."""

    uid: str
    name: str = ""
    namespace: str = ""
    ips: list[str] = field(default_factory=list)
    sandboxes: list[SandboxStatus] = field(default_factory=list)
    containers: list[ContainerStatus] = field(default_factory=list)

    def find(self, name: str) -> ContainerStatus | None:
        """The newest container of that name."""
        return next((c for c in self.containers if c.name == name), None)

    def running(self) -> Iterator[ContainerStatus]:
        return (c for c in self.containers if c.state is State.RUNNING)

    def possibly_running(self) -> list[ContainerStatus]:
        """Containers that killing a pod must stop: the unknown may run too."""
        return [c for c in self.containers if c.state in (State.RUNNING, State.UNKNOWN)]


def any_regular_container_created(containers: list[dict[str, Any]], status: PodStatus) -> bool:
    """Then all init containers have once done their work, even if the runtime has forgotten them."""
    for container in containers:
        found = status.find(container["name"])
        if found and found.state is not State.UNKNOWN:
            return True
    return False
