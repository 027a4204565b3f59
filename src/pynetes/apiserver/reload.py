"""Following a configuration file: what it says is put in force when it changes, or things stay as they are."""

import hashlib
import logging
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path

from pynetes.apiserver.bootstrap.identity import server_id
from pynetes.component import clock, metrics

log = logging.getLogger(__name__)

_PERIOD = 5.0
_LABELS = ("status", "apiserver_id_hash")


class RejectedError(Exception):
    """The file says what cannot be: it is not looked at again until it changes."""


class TryLaterError(Exception):
    """What the file says cannot be put in force just now."""


class Follower:
    """`kind` is authentication or authorization; `data` is what is in force from the start.

    `apply` puts the file's bytes in force; it raises RejectedError or TryLaterError.
    """

    def __init__(
        self,
        kind: str,
        path: Path,
        data: bytes,
        apply: Callable[[bytes], Awaitable[None]],
        *,
        period: float = _PERIOD,
    ) -> None:
        """`period`: seconds between looks at the file."""
        self._kind = kind
        self._path = path
        self._data = data
        self._apply = apply
        self._period = period
        self._measures = Measures(kind)
        self._measures.in_force(digest(data))

    async def run(self) -> None:
        while True:
            await clock.sleep(self._period)
            await self.look()

    async def look(self) -> bool:
        """Whether something else is in force now."""
        try:
            data = self._path.read_bytes()
        except OSError as error:
            return self._failed(error)
        if data == self._data:
            return False
        try:
            await self._apply(data)
        except RejectedError as error:
            self._data = data
            return self._failed(error)
        except TryLaterError as error:
            return self._failed(error)
        self._data = data
        self._measures.reloaded(digest(data))
        log.info("reloaded the %s configuration", self._kind)
        return True

    def _failed(self, error: Exception) -> bool:
        log.error("failed to reload the %s configuration: %s", self._kind, error)
        self._measures.failed()
        return False


class Measures:
    """Metrics of one kind of configuration, under upstream's names. Hashes are `sha256:HEX`."""

    def __init__(self, kind: str) -> None:
        of, stem = f"of {kind} configuration", f"apiserver_{kind}_config_controller"
        self._total = metrics.counter(
            f"{stem}_automatic_reloads_total",
            f"Total number of automatic reloads {of} split by status and apiserver identity.",
            _LABELS,
        )
        self._last = metrics.gauge(
            f"{stem}_automatic_reload_last_timestamp_seconds",
            f"Timestamp of the last automatic reload {of} split by status and apiserver identity.",
            _LABELS,
        )
        self._info = metrics.gauge(
            f"{stem}_last_config_info",
            f"Information about the last applied {kind} configuration with hash as label, split by apiserver identity.",
            ("apiserver_id_hash", "hash"),
        )

    def in_force(self, hashed: str) -> None:
        self._info.clear()
        self._info.labels(server_hash(), hashed).set(1)

    def reloaded(self, hashed: str) -> None:
        self._count("success")
        self.in_force(hashed)

    def failed(self) -> None:
        self._count("failure")

    def _count(self, status: str) -> None:
        self._total.labels(status, server_hash()).inc()
        self._last.labels(status, server_hash()).set(clock.time_seconds())


@cache
def server_hash() -> str:
    """Names this server in metrics."""
    return digest(server_id().encode())


def digest(data: bytes) -> str:
    """How metrics tell contents and names apart without telling them."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}" if data else ""
