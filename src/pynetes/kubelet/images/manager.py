"""Makes sure that a container's image is on the node, as its pull policy says."""

from collections.abc import Awaitable, Callable
from typing import Any

from pynetes.kubelet.images.result import ImageRef

#: (pod, container, type, reason, message) → an event about the container.
ContainerEvent = Callable[[dict[str, Any], dict[str, Any], str, str, str], None]
#: (namespace, name) → the Secret or None.
SecretGetter = Callable[[str, str], Awaitable[dict[str, Any] | None]]


class ImageManager:
    def __init__(
        self,
        image_service: Any,
        *,
        event: ContainerEvent,
        secret: SecretGetter,
        serialize: bool = True,
        max_parallel_pulls: int | None = None,
    ) -> None:
        self._service = image_service

    async def ensure_image(
        self, pod: dict[str, Any], container: dict[str, Any], *, runtime_handler: str = "", sandbox_config: Any = None
    ) -> ImageRef:
        """The image's reference; pulls it where the policy says so. Raises ImageError."""
        raise NotImplementedError
