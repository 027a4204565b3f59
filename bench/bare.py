"""Bare engines, the anchors of the store's measurement: the same driver, one statement an operation, nothing else.

A bare create or update is durable as the store's is, but keeps no history, checks no version and tells nobody.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

import asyncmy
import asyncpg

from bench.etcd import Etcd

CONNECTIONS = 32
"""To a database at most, as pools have them; etcd takes all calls on one."""


class Bare(Protocol):
    async def put(self, key: str, value: bytes) -> Any: ...

    async def get(self, key: str) -> Any: ...

    async def list(self, prefix: str, limit: int) -> Any: ...


class _Pooled:
    """Lends connections that are made when wanted."""

    def __init__(self, connections: list[Any]) -> None:
        self._idle: asyncio.LifoQueue[Any] = asyncio.LifoQueue()
        for connection in connections:
            self._idle.put_nowait(connection)

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[Any]:
        connection = await self._idle.get()
        try:
            yield connection
        finally:
            self._idle.put_nowait(connection)


class BarePostgres(_Pooled):
    async def put(self, key: str, value: bytes) -> None:
        sql = "INSERT INTO bare VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        async with self._lent() as connection:
            await connection.execute(sql, key, value)

    async def get(self, key: str) -> Any:
        async with self._lent() as connection:
            return await connection.fetchrow("SELECT * FROM bare WHERE name = $1", key)

    async def list(self, prefix: str, limit: int) -> Any:
        async with self._lent() as connection:
            return await connection.fetch("SELECT * FROM bare WHERE name >= $1 ORDER BY name LIMIT $2", prefix, limit)


class BareMySQL(_Pooled):
    async def _run(self, sql: str, *parameters: Any) -> Any:
        async with self._lent() as connection, connection.cursor() as cursor:
            await cursor.execute(sql, parameters)
            return await cursor.fetchall() if cursor.description else None

    async def put(self, key: str, value: bytes) -> None:
        await self._run("REPLACE INTO bare VALUES (%s, %s)", key, value)

    async def get(self, key: str) -> Any:
        return await self._run("SELECT * FROM bare WHERE name = %s", key)

    async def list(self, prefix: str, limit: int) -> Any:
        return await self._run("SELECT * FROM bare WHERE name >= %s ORDER BY name LIMIT %s", prefix, limit)


@asynccontextmanager
async def bare_postgres(port: int) -> AsyncIterator[BarePostgres]:
    made = [await asyncpg.connect(host="127.0.0.1", port=port, user="postgres") for _ in range(CONNECTIONS)]
    await made[0].execute('CREATE TABLE bare (name text COLLATE "C" PRIMARY KEY, value bytea)')
    yield BarePostgres(made)
    for connection in made:
        await connection.close()


@asynccontextmanager
async def bare_mysql(port: int, database: str) -> AsyncIterator[BareMySQL]:
    arguments = {"host": "127.0.0.1", "port": port, "user": "root", "db": database, "autocommit": True}
    made = [await asyncmy.connect(**arguments, binary_prefix=True) for _ in range(CONNECTIONS)]
    async with made[0].cursor() as cursor:
        await cursor.execute("CREATE TABLE bare (name VARBINARY(255) PRIMARY KEY, value LONGBLOB)")
    yield BareMySQL(made)
    for connection in made:
        await connection.ensure_closed()


class Steps:
    """The measured operations on a bare engine; see `store.PynetesSteps`."""

    def __init__(self, bare: Bare | Etcd, prefix: str, value: bytes) -> None:
        self._bare = bare
        self._prefix = prefix
        self._value = value

    async def create(self, worker: int, number: int) -> None:
        await self._bare.put(f"{self._prefix}c-{worker}-{time.monotonic_ns()}", self._value)

    async def update(self, worker: int, number: int) -> None:
        # An engine may see that nothing changes, and write nothing.
        await self._bare.put(f"{self._prefix}u-{worker}", self._value + number.to_bytes(8))

    async def get(self, worker: int, number: int) -> None:
        await self._bare.get(f"{self._prefix}u-0")

    async def page(self, worker: int, number: int) -> None:
        await self._bare.list(self._prefix, 500)
