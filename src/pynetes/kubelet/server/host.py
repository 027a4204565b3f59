"""What the server needs to know of the kubelet it belongs to."""

from typing import Any, Protocol


class Host(Protocol):
    def pods(self) -> list[dict[str, Any]]:
        """The pods that this node should run, each with its present status."""
        ...

    def pod(self, namespace: str, name: str) -> dict[str, Any] | None:
        """One of them by name; a mirror pod's name gives the static pod."""
        ...
