"""The configuration in force: stores that follow it, its reload when the file changes, its health."""

import logging
from pathlib import Path
from types import TracebackType
from typing import Self

from pynetes.apimachinery.errors import aggregate
from pynetes.apiserver.encryption import config, providers
from pynetes.apiserver.encryption.config import ConfigError
from pynetes.apiserver.encryption.kms.provider import KMSProvider
from pynetes.apiserver.encryption.providers import Providers
from pynetes.apiserver.encryption.store import EncryptedStore
from pynetes.apiserver.encryption.transformer import TransformError
from pynetes.apiserver.reload import Measures
from pynetes.component import clock
from pynetes.component.tasks import BackgroundTasks
from pynetes.storage import Store

log = logging.getLogger(__name__)

_PERIOD = 10.0


class Encryption:
    """`async with Encryption(path, reload=…)`: ConfigError on entering for a file that cannot be used.

    With `reload`, a file that changes is put in force; one that cannot be used leaves things as they are.
    """

    def __init__(self, path: Path, *, reload: bool, period: float = _PERIOD) -> None:
        """`period`: seconds between looks at the file."""
        self._path = path
        self._reload = reload
        self._period = period
        self._digest = ""
        self._measures = Measures("encryption")
        self._providers = Providers()
        self._tasks = BackgroundTasks("encryption")
        self._polling = BackgroundTasks("encryption plugins")

    async def __aenter__(self) -> Self:
        loaded = config.load(self._path, reload=self._reload)
        built = await providers.build(loaded.document)
        await _probe(built.kms)
        self._put_in_force(built, loaded.digest)
        self._measures.in_force(loaded.digest)
        if self._reload:
            self._tasks.start(self._follow(), name="reload")
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._tasks.close()
        await self._polling.close()
        await providers.close(self._providers.kms)

    # --- use

    def store_of(self, group: str, resource: str, store: Store) -> EncryptedStore:
        """The resource's own view of the store."""
        name = f"{resource}.{group}" if group else resource
        return EncryptedStore(store, lambda: self._providers.of(group, resource), name)

    @property
    def has_check(self) -> bool:
        """Whether there is, or with a reload may be, a plugin whose health to tell."""
        return self._reload or bool(self._providers.kms)

    async def check(self) -> None:
        """TransformError when a plugin is not healthy."""
        failures = []
        for index, plugin in enumerate(self._providers.kms):
            try:
                await plugin.check()
            except TransformError as error:
                failures.append(f"kms-provider-{index}: {error}")
        if failures:
            raise TransformError(aggregate(failures))

    # --- reload

    async def _follow(self) -> None:
        while True:
            await clock.sleep(self._period)
            try:
                await self.reload()
            except ConfigError as error:
                self._measures.failed()
                log.error("failed to reload the encryption configuration: %s", error)

    async def reload(self) -> bool:
        """Puts the file in force if it has changed. ConfigError, also when a plugin that it names is not healthy."""
        if config.digest(self._path) == self._digest:
            return False
        loaded = config.load(self._path, reload=True)
        built = await providers.build(loaded.document)
        try:
            await _check(built.kms)
        except TransformError as error:
            await providers.close(built.kms)
            raise ConfigError(f"failed to validate encryption config: {error}") from None
        old = self._providers
        old_polling = self._polling
        self._polling = BackgroundTasks("encryption plugins")
        self._put_in_force(built, loaded.digest)
        await old_polling.close()
        if old.kms:
            self._tasks.start(_close_later(old.kms, self._period), name="old plugins")
        self._measures.reloaded(loaded.digest)
        log.info("reloaded the encryption configuration")
        return True

    def _put_in_force(self, built: Providers, digest: str) -> None:
        self._providers, self._digest = built, digest
        for plugin in built.kms:
            self._polling.start(plugin.run(), name=plugin.name)


async def _probe(plugins: list[KMSProvider]) -> None:
    for plugin in plugins:
        await plugin.probe()


async def _check(plugins: list[KMSProvider]) -> None:
    for plugin in plugins:
        await plugin.check()


async def _close_later(plugins: list[KMSProvider], seconds: float) -> None:
    """Calls that are under way with the old configuration have the time to end."""
    try:
        await clock.sleep(seconds)
    finally:
        await providers.close(plugins)
