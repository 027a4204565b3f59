"""Who sends requests of its own keeps one session for them: it is made with the first and closed with its owner."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

import aiohttp


class SessionOwner(ABC):
    """An async context manager: connections, which the session keeps between requests, end with it."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    @abstractmethod
    def _make_session(self) -> aiohttp.ClientSession:
        """Called inside the loop."""

    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = self._make_session()
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()
