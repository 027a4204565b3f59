"""Health endpoints as all of Kubernetes' components have them: `/healthz`, `/livez`, `/readyz`.

A group is a named list of checks, which may grow; `?verbose` lists them, `?exclude=` leaves some out, `/livez/<check>`
asks one alone.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence

from msgspec import Struct
from prometheus_client import Counter, Gauge

from pynetes.component import clock, metrics

log = logging.getLogger(__name__)

_LAST = Gauge("kubernetes_healthcheck", "Last result of a health check.", ["name", "type"], registry=metrics.SLIS)
_RESULTS = Counter(
    "kubernetes_healthchecks_total", "Results of health checks.", ["name", "type", "status"], registry=metrics.SLIS
)


class Check(Struct, frozen=True):
    """`run` returns if healthy and raises if not."""

    name: str
    run: Callable[[], Awaitable[None]]


async def answering() -> None:
    """Being asked is the proof."""


def graceful(check: Check, seconds: float) -> Check:
    """Passes whatever the check says, until so long after this; afterwards it is the check."""
    if not seconds:
        return check
    until = clock.monotonic() + seconds

    async def run() -> None:
        if clock.monotonic() >= until:
            await check.run()

    return Check(check.name, run)


PING = Check("ping", answering)
#: Upstream's asks whether its log is still flushed; ours writes each line as it comes.
LOG = Check("log", answering)


class HealthGroup:
    """The checks behind one path."""

    def __init__(self, name: str, checks: Iterable[Check] = (PING,)) -> None:
        self.name = name
        self.checks: list[Check] = list(checks)

    async def answer(self, check: str = "", *, verbose: bool = False, exclude: Sequence[str] = ()) -> tuple[int, str]:
        """HTTP status and text; `check` is what follows the group's path."""
        if check:
            return await self._one(check)
        excluded = set(exclude)
        lines, failed = [], []
        for item in self.checks:
            if item.name in excluded:
                excluded.discard(item.name)
                lines.append(f"[+]{item.name} excluded: ok\n")
            elif error := await self._error(item):
                failed.append(f"{item.name}: {error}")
                lines.append(f"[-]{item.name} failed: reason withheld\n")
            else:
                lines.append(f"[+]{item.name} ok\n")
        if excluded:
            names = ",".join(f'"{name}"' for name in sorted(excluded))
            lines.append(f"warn: some health checks cannot be excluded: no matches for {names}\n")
        if failed:
            log.warning("%s check failed: %s", self.name, "; ".join(failed))
            return 500, f"{''.join(lines)}{self.name} check failed\n"
        return 200, f"{''.join(lines)}{self.name} check passed\n" if verbose else "ok"

    async def _one(self, name: str) -> tuple[int, str]:
        for item in self.checks:
            if item.name == name:
                error = await self._error(item)
                return (500, f"internal server error: {error}\n") if error else (200, "ok")
        return 404, "404 page not found\n"

    async def _error(self, check: Check) -> str:
        """Why the check fails; empty if it does not."""
        try:
            await check.run()
        except Exception as error:
            self._count(check, "error")
            return str(error) or type(error).__name__
        self._count(check, "success")
        return ""

    def _count(self, check: Check, result: str) -> None:
        _LAST.labels(check.name, self.name).set(1 if result == "success" else 0)
        _RESULTS.labels(check.name, self.name, result).inc()
