"""What came of one sync of a pod with the runtime."""

from msgspec import Struct, field


class SyncResult(Struct):
    """What came of one sync. `start_errors` holds (reason, message) by container, None for what started well."""

    start_errors: dict[str, tuple[str, str] | None] = field(default_factory=dict)
    error: str = ""
    changed: bool = False
    """Something was started or stopped: the runtime's state must be read again."""
    retry_after: float | None = None
    """Seconds till the earliest back-off ends, where waiting for it is all there is to do."""
    next_step: bool = False
    """More can be done at once: a sidecar runs, so that the next container may start, or containers were reset."""
    resize_error: str = ""

    def fail(self, message: str) -> None:
        self.error = f"{self.error}; {message}" if self.error else message

    def wait(self, seconds: float) -> None:
        self.retry_after = seconds if self.retry_after is None else min(self.retry_after, seconds)
