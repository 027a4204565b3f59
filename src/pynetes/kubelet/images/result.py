"""What comes of making an image present."""

from msgspec import Struct


class ImageRef(Struct, frozen=True):
    """`ref` is what CreateContainer takes; `message` is for the log."""

    ref: str
    message: str = ""


class ImageError(Exception):
    """The image is not there. `reason` becomes the container's waiting reason (ErrImagePull, ImagePullBackOff,
    ErrImageNeverPull, InvalidImageName, ImageInspectError, RegistryUnavailable, …)."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}" if message else reason)
        self.reason = reason
        self.message = message
