"""PostgreSQL, through asyncpg.

A transaction takes an advisory lock before its first snapshot (READ COMMITTED: a snapshot a statement) and keeps it
until it is visible and flushed, so whoever comes next sees it whole. Plans are pinned to index lookups: the planner's
guesses about tables that grow by thousands of rows a second come too late.
"""

import asyncio
import functools
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import asyncpg

from pynetes.storage.database.dialect import Changes, ConnectionLost, Dialect, Row, StatementRefused
from pynetes.storage.database.dialect import Session as AnySession
from pynetes.storage.database.log import FORMAT

_SETTINGS = {
    "application_name": "pynetes",
    "synchronous_commit": "on",
    "default_transaction_isolation": "read committed",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_bitmapscan": "off",
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    "lock_timeout": "8s",
    # A server that was cut off in the middle of a transaction must not keep the others out.
    "idle_in_transaction_session_timeout": "5s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "2",
    "tcp_user_timeout": "9s",
}
_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS history (
        revision bigint PRIMARY KEY, "key" bytea NOT NULL, deleted smallint NOT NULL,
        create_revision bigint NOT NULL, prev_revision bigint NOT NULL, value bytea
    ) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 1)""",
    'CREATE UNIQUE INDEX IF NOT EXISTS history_key ON history ("key", revision, deleted)',
    """CREATE TABLE IF NOT EXISTS current (
        "key" bytea PRIMARY KEY, mod_revision bigint NOT NULL, create_revision bigint NOT NULL, expires bigint NOT NULL
    ) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 1)""",
    "CREATE INDEX IF NOT EXISTS current_expires ON current (expires) WHERE expires > 0",
    "CREATE TABLE IF NOT EXISTS meta (name text PRIMARY KEY, value bigint NOT NULL) WITH (fillfactor = 50)",
    f"""INSERT INTO meta VALUES ('format', {FORMAT}), ('compacted', 0), ('swept', 0) ON CONFLICT DO NOTHING""",
    """CREATE OR REPLACE VIEW objects AS
        SELECT convert_from(c."key", 'UTF8') AS "key", c.create_revision, c.mod_revision, c.expires,
            convert_from(h.value, 'UTF8') AS value
        FROM current c JOIN history h ON h.revision = c.mod_revision""",
)
_LOAD = """
    SELECT p.newest, c."key", h.value, c.create_revision, c.mod_revision
    FROM (SELECT max(revision) AS newest FROM history) p
    LEFT JOIN current c ON c."key" = ANY($1::bytea[]) LEFT JOIN history h ON h.revision = c.mod_revision"""
_RECORD = """
    WITH gone AS (DELETE FROM current WHERE "key" = ANY($11::bytea[])),
    present AS (
        INSERT INTO current ("key", mod_revision, create_revision, expires)
        SELECT * FROM unnest($7::bytea[], $8::bigint[], $9::bigint[], $10::bigint[])
        ON CONFLICT ("key") DO UPDATE SET mod_revision = excluded.mod_revision,
            create_revision = excluded.create_revision, expires = excluded.expires)
    INSERT INTO history (revision, "key", deleted, create_revision, prev_revision, value)
    SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::smallint[], $4::bigint[], $5::bigint[], $6::bytea[])"""
_FORGET = "DELETE FROM history WHERE revision = ANY($1::bigint[])"
_LOST = (
    OSError,
    EOFError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.IdleInTransactionSessionTimeoutError,
)


class Postgres(Dialect):
    """`url` as libpq's, sslmode and certificates included; the tables are in `schema`."""

    visible_early = False
    listens = True
    size = """SELECT pg_total_relation_size('history') + pg_total_relation_size('current')
        + pg_total_relation_size('meta')"""

    def __init__(self, url: str, where: str, schema: str) -> None:
        self.where = f"PostgreSQL, {where}"
        self._url = url
        self._schema = schema
        name = hashlib.sha256(schema.encode()).hexdigest()[:16]
        self._channel = f"pynetes_{name}"
        self._writer = 0  # the process at the other end of our own connection that commits

    def lock(self, purpose: str) -> int:
        """The advisory lock's number."""
        digest = hashlib.sha256(f"pynetes/{self._schema}/{purpose}".encode()).digest()
        return int.from_bytes(digest[:8], signed=True)

    async def connect(self) -> "Session":
        settings = {**_SETTINGS, "search_path": _quoted(self._schema)}
        connection = await asyncpg.connect(self._url, server_settings=settings, timeout=5)
        return Session(connection, self)

    async def create_tables(self, session: AnySession) -> None:
        assert isinstance(session, Session)
        await session.script(
            f"BEGIN; SELECT pg_advisory_xact_lock({self.lock('tables')}); SET LOCAL client_min_messages = warning;"
            f"CREATE SCHEMA IF NOT EXISTS {_quoted(self._schema)}; {';'.join(_SCHEMA)}; COMMIT"
        )

    async def listen(self, told: Callable[[int], None]) -> None:
        session = await self.connect()
        ended = asyncio.Event()

        def notified(connection: object, pid: int, channel: str, revision: object) -> None:
            if pid != self._writer:
                told(int(str(revision)))

        try:
            session.connection.add_termination_listener(lambda _: ended.set())
            await session.connection.add_listener(self._channel, notified)
            told(0)
            await ended.wait()
        finally:
            session.terminate()

    def committed(self, pid: int, revision: int) -> str:
        """The statements that commit and tell the others."""
        self._writer = pid
        return f"NOTIFY {self._channel}, '{revision}'; COMMIT"

    def error(self, error: Exception) -> ConnectionLost | StatementRefused | None:
        # The driver's own complaints about arguments are InterfaceErrors too.
        if isinstance(error, OSError) or (isinstance(error, _LOST) and not isinstance(error, ValueError)):
            return ConnectionLost(f"{self.where}: {error or type(error).__name__}")
        if isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError):
            return StatementRefused(f"{self.where}: {error}")
        return None


class Session:
    """One connection."""

    def __init__(self, connection: Any, dialect: Postgres) -> None:
        self.connection = connection
        self.committing = False
        self._dialect = dialect
        self._begin = f"BEGIN; SELECT pg_advisory_xact_lock({dialect.lock('write')})"
        self._pid: int = connection.get_server_pid()

    @property
    def is_closed(self) -> bool:
        return bool(self.connection.is_closed())

    async def script(self, sql: str) -> None:
        """Statements without parameters in one round trip."""
        await self.connection.execute(sql)

    async def fetch(self, sql: str, *parameters: Any) -> Sequence[Row]:
        rows: Sequence[Row] = await self.connection.fetch(_numbered(sql), *parameters)
        return rows

    async def begin(self) -> None:
        await self.script(self._begin)

    async def begin_view(self) -> None:
        # Between two reads lies whatever their reader does with what it got.
        await self.script("SET idle_in_transaction_session_timeout = 0")
        await self.script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    async def load(self, keys: Sequence[bytes]) -> Sequence[Row]:
        rows: Sequence[Row] = await self.connection.fetch(_LOAD, keys)
        return rows

    async def record(self, changes: Changes) -> None:
        await self.connection.execute(
            _RECORD, *_columns(changes.history, 6), *_columns(changes.current, 4), changes.gone
        )

    async def commit(self, revision: int) -> None:
        await self.script(self._dialect.committed(self._pid, revision))

    async def rollback(self) -> None:
        await self.script("ROLLBACK")

    async def try_lock(self, purpose: str) -> bool:
        rows = await self.fetch("SELECT pg_try_advisory_lock(?)", self._dialect.lock(purpose))
        return bool(rows[0][0])

    async def forget(self, revisions: Sequence[int]) -> None:
        await self.connection.execute(_FORGET, revisions)

    async def harden(self) -> None:
        """A commit is flushed before it is visible."""

    def terminate(self) -> None:
        self.connection.terminate()


def _columns(rows: Sequence[Row], width: int) -> list[Sequence[Any]]:
    return list(zip(*rows, strict=True)) if rows else [()] * width


@functools.cache
def _numbered(sql: str) -> str:
    """`?` as `$1`, `$2`, …"""
    parts = sql.split("?")
    return "".join(f"{part}${number}" for number, part in enumerate(parts[:-1], 1)) + parts[-1]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
