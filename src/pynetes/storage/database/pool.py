"""Connections to the database: kept while they work, dropped at the first doubt, replaced when next wanted."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pynetes.storage.database.dialect import ConnectionLost, Dialect, NoAnswer, OutcomeUnknown, Session
from pynetes.storage.interface import StoreError, StoreUnavailable

T = TypeVar("T")

TIMEOUT = 10.0
_CONNECT_TIMEOUT = 5.0


async def connect(dialect: Dialect) -> Session:
    """A new connection. StoreUnavailable."""
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT):
            session = await dialect.connect()
    except TimeoutError:
        raise NoAnswer(f"{dialect.where} does not answer") from None
    except Exception as e:
        raise dialect.error(e) or e from e
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        # Drivers connect under `asyncio.wait_for`, and before Python 3.12 that forgets a cancellation which comes at
        # the moment the connection is made: the task would never end.
        session.terminate()
        raise asyncio.CancelledError
    return session


async def attempt(dialect: Dialect, session: Session, work: Callable[[Session], Awaitable[T]]) -> T:
    """Does the work on the connection, which is dropped if that fails in any way but by an error of the store's."""
    try:
        async with asyncio.timeout(TIMEOUT):
            return await work(session)
    except TimeoutError:
        session.terminate()
        error: StoreError = NoAnswer(f"{dialect.where} gave no answer in {TIMEOUT:g} s")
        cause: Exception | None = None
    except StoreError:
        raise
    except Exception as e:
        session.terminate()
        error, cause = dialect.error(e) or _raise(e), e
    except BaseException:
        session.terminate()
        raise
    if session.committing and isinstance(error, ConnectionLost):
        error = OutcomeUnknown(f"{error}; the write may have happened")
    raise error from cause


def _raise(error: Exception) -> StoreError:
    raise error


class Pool:
    """At most `size` connections."""

    def __init__(self, dialect: Dialect, size: int) -> None:
        self._dialect = dialect
        self._slots = asyncio.Semaphore(size)
        self._idle: list[Session] = []
        self._closed = False

    async def run(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """Does the work on a connection of its own. StoreUnavailable, and whatever of the store's errors it raises."""
        async with self._slots:
            while True:
                if self._closed:
                    raise StoreUnavailable("the store is closed")
                kept = self._take()
                session = kept or await connect(self._dialect)
                try:
                    return await attempt(self._dialect, session, work)
                except ConnectionLost as e:
                    if kept is None or isinstance(e, NoAnswer):
                        raise
                    # It may have broken long ago, and so may the others.
                    self._drop_idle()
                finally:
                    self._give_back(session)

    def _take(self) -> Session | None:
        while self._idle:
            session = self._idle.pop()
            if not session.is_closed:
                return session
        return None

    def _give_back(self, session: Session) -> None:
        session.committing = False
        if self._closed:
            session.terminate()
        elif not session.is_closed:
            self._idle.append(session)

    def _drop_idle(self) -> None:
        while self._idle:
            self._idle.pop().terminate()

    def close(self) -> None:
        self._closed = True
        self._drop_idle()
