"""Connections to a database: what a driver forgets does not keep a task alive."""

import asyncio
from typing import Any

import pytest

from pynetes.storage.database.pool import connect


class Forgetful:
    """Its connections come at the moment at which their task is cancelled, and the driver does not tell."""

    where = "a database"

    def __init__(self) -> None:
        self.session = ForgottenSession()

    async def connect(self) -> "ForgottenSession":
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return self.session
        raise AssertionError("nobody cancelled it")

    def error(self, error: Exception) -> None:
        return None


class ForgottenSession:
    terminated = False

    def terminate(self) -> None:
        self.terminated = True


async def test_a_cancellation_at_the_moment_of_connecting_is_not_forgotten() -> None:
    dialect: Any = Forgetful()
    connecting = asyncio.ensure_future(connect(dialect))
    await asyncio.sleep(0)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    assert dialect.session.terminated
