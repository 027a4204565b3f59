"""Runs one component as a process: event loop, signals, exit code."""

import asyncio
import gc
import logging
import resource
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop

from pynetes.component import logs

log = logging.getLogger(__name__)

#: About as long as a start takes; no harm if one takes longer.
_START_SECONDS = 3.0


def run_component(
    main: Callable[[], Coroutine[Any, Any, None]], *, verbosity: int = 0, log_format: logs.Format = "text"
) -> None:
    """Runs `main()` until it ends or SIGTERM or SIGINT asks it to. Its error ends the process with exit code 1."""
    logs.configure(verbosity, log_format)
    _raise_open_files()
    gc.disable()
    try:
        uvloop.run(_until_signalled(main))
    except* Exception as errors:
        for error in _leaves(errors):
            log.error("%s: %s", type(error).__name__, error, exc_info=error if verbosity >= 4 else None)
        log.debug("ended by", exc_info=errors)
        raise SystemExit(1) from None


def _collect_garbage() -> None:
    """From when it has started: a start makes next to none, and looking for it would take a tenth of the time.

    What is there by then stays, so it is not looked at again. Long-lived caches make full collections dear, too, and
    they rarely find anything.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    gc.enable()


def _raise_open_files() -> None:
    """As many as there may be, as Go's programs do it: every connection is one, and ten thousand watches may come."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _until_signalled(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    loop = asyncio.get_running_loop()
    this = asyncio.current_task()
    assert this is not None
    asked = False

    def stop() -> None:
        nonlocal asked
        asked = True
        this.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    loop.call_later(_START_SECONDS, _collect_garbage)
    try:
        await main()
    except asyncio.CancelledError:
        if not asked:
            raise


def _leaves(errors: BaseExceptionGroup[Any]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in errors.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
