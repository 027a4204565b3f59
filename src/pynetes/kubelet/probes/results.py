"""What probes said last about each container: the one thing other parts of the kubelet read of them."""

from collections.abc import Callable, Mapping
from typing import Literal

from msgspec import Struct, field

Result = Literal["success", "failure", "unknown"]
ProbeType = Literal["liveness", "readiness", "startup"]
FIELDS: Mapping[ProbeType, str] = {
    "liveness": "livenessProbe",
    "readiness": "readinessProbe",
    "startup": "startupProbe",
}


class Results(Struct):
    """Latest result by container id (`containerd://…`). `on_change(uid, container_id, result)` hears every change."""

    by_container: dict[str, Result] = field(default_factory=dict)
    on_change: Callable[[str, str, Result], None] | None = None

    def get(self, container_id: str) -> Result | None:
        return self.by_container.get(container_id)

    def set(self, container_id: str, result: Result, uid: str) -> None:
        if self.by_container.get(container_id) == result:
            return
        self.by_container[container_id] = result
        if self.on_change:
            self.on_change(uid, container_id, result)

    def remove(self, container_id: str) -> None:
        self.by_container.pop(container_id, None)
