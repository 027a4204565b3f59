"""Where events go."""

from collections.abc import Sequence
from typing import Any, Protocol

from pynetes.component import metrics

Object = dict[str, Any]

lost = metrics.counter(
    "apiserver_audit_error_total",
    "Counter of audit events that failed to be audited properly. Plugin identifies the plugin affected by the error.",
    ("plugin",),
)


class Backend(Protocol):
    async def write(self, events: Sequence[Object]) -> None:
        """Returns when they are safe as far as this backend can tell. Raises OSError if it cannot take them."""
        ...

    async def close(self) -> None: ...
