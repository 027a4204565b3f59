"""What `/healthz`, `/livez` and `/readyz` of the API server ask."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from pynetes.apiserver.config import APIServerConfig
from pynetes.apiserver.registry.registry import Registry
from pynetes.component.health import LOG, PING, Check, graceful
from pynetes.storage import Store

if TYPE_CHECKING:
    from pynetes.apiserver.encryption.encryption import Encryption


def checks(
    config: APIServerConfig,
    store: Store,
    registry: Registry,
    encryption: "Encryption | None",
    bootstrap: Sequence[Check],
    is_stopping: Callable[[], bool],
) -> dict[str, list[Check]]:
    """By endpoint. `bootstrap` asks for each post-start step.

    A new start cures no key service that is ill: `/livez` does not ask for them.
    """
    live = [PING, LOG, Check("etcd", _answers(store, config.etcd_healthcheck_timeout)), *bootstrap]
    healthy = list(live)
    if encryption is not None and encryption.has_check:
        healthy.append(Check("kms-providers", encryption.check))
    ready = [
        *healthy,
        Check("etcd-readiness", _answers(store, config.etcd_readycheck_timeout)),
        Check("informer-sync", _caches_filled(registry)),
        Check("shutdown", _not(is_stopping)),
    ]
    patient = [graceful(check, config.livez_grace_period) for check in live]
    return {"healthz": healthy, "livez": patient, "readyz": ready}


def _answers(store: Store, seconds: float) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        async with asyncio.timeout(seconds):
            await store.check()

    return run


def _caches_filled(registry: Registry) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        waiting = [rs.group_resource for rs in registry.stores if not rs.cacher.is_ready]
        if waiting:
            raise RuntimeError(f"caches not ready: {', '.join(waiting)}")

    return run


def _not(is_stopping: Callable[[], bool]) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        if is_stopping():
            raise RuntimeError("process is shutting down")

    return run
