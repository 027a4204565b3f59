"""MySQL 8 and MariaDB, through asyncmy.

A transaction locks a row of `meta` before it reads anything (READ COMMITTED: a read view a statement) and keeps it
until it is visible, so whoever comes next sees it whole. Visible is not yet durable here: InnoDB shows a commit before
its log is flushed, and an engine killed in between forgets it. So what others committed is told only after a commit of
our own (`harden`), for the log is flushed in its order. InnoDB tells nobody of commits: the history is polled.
"""

import hashlib
import re
import ssl
from collections.abc import Callable, Sequence
from typing import Any

from asyncmy.connection import Connection
from asyncmy.errors import Error, InterfaceError, InternalError, OperationalError

from pynetes.storage.database.dialect import Changes, ConnectionLost, Dialect, Row, StatementRefused
from pynetes.storage.database.dialect import Session as AnySession
from pynetes.storage.database.log import FORMAT
from pynetes.storage.interface import StoreUnavailable

_SETTINGS = (
    # ANSI_QUOTES: "key" is a column here as it is elsewhere.
    "SET SESSION sql_mode = 'ANSI_QUOTES,STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', innodb_lock_wait_timeout = 8,"
    " net_write_timeout = 20, sql_notes = 0",
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
)
# A server that was cut off in the middle of a transaction must not keep the others out; MySQL has only the time that
# any connection may be idle.
_IDLE_MARIADB = "SET SESSION idle_write_transaction_timeout = 5, idle_transaction_timeout = 5"
_IDLE_MYSQL = "SET SESSION wait_timeout = 8"
_PATIENT_MARIADB = "SET SESSION idle_readonly_transaction_timeout = 0, idle_transaction_timeout = 0"
_PATIENT_MYSQL = "SET SESSION wait_timeout = 3600"
_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS history (
        revision BIGINT PRIMARY KEY, "key" VARBINARY(1024) NOT NULL, deleted SMALLINT NOT NULL,
        create_revision BIGINT NOT NULL, prev_revision BIGINT NOT NULL, value LONGBLOB,
        UNIQUE KEY history_key ("key", revision, deleted)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC""",
    """CREATE TABLE IF NOT EXISTS current (
        "key" VARBINARY(1024) PRIMARY KEY, mod_revision BIGINT NOT NULL, create_revision BIGINT NOT NULL,
        expires BIGINT NOT NULL, KEY current_expires (expires)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC""",
    "CREATE TABLE IF NOT EXISTS meta (name VARCHAR(32) PRIMARY KEY, value BIGINT NOT NULL) ENGINE=InnoDB",
    "CREATE TABLE IF NOT EXISTS flushed (connection BIGINT PRIMARY KEY, value BIGINT NOT NULL) ENGINE=InnoDB",
    f"""INSERT INTO meta VALUES ('format', {FORMAT}), ('compacted', 0), ('swept', 0)
        ON DUPLICATE KEY UPDATE value = meta.value""",
    """CREATE OR REPLACE VIEW objects AS
        SELECT CONVERT(c."key" USING utf8mb4) AS "key", c.create_revision, c.mod_revision, c.expires,
            CONVERT(h.value USING utf8mb4) AS value
        FROM current c JOIN history h ON h.revision = c.mod_revision""",
)
_LOCK = "SELECT value FROM meta WHERE name = 'format' FOR UPDATE"
_LOAD = """
    SELECT p.newest, c."key", h.value, c.create_revision, c.mod_revision
    FROM (SELECT max(revision) AS newest FROM history) p
    LEFT JOIN current c ON c."key" IN ({}) LEFT JOIN history h ON h.revision = c.mod_revision"""
_HARDEN = "INSERT INTO flushed VALUES (CONNECTION_ID() % 16, 1) ON DUPLICATE KEY UPDATE value = value + 1"
_DURABLE = "SELECT @@innodb_flush_log_at_trx_commit"
_LOST_CODES = {1053, 1927, 3169, 4031, 2006, 2013, 2055, 2003, 2002, 1040, 1158, 1159, 1160, 1161}
_READ_ONLY_CODES = {1290, 1792, 1836}


class MySQL(Dialect):
    """One database of a server."""

    visible_early = True
    listens = False
    size = "SELECT sum(data_length + index_length) FROM information_schema.tables WHERE table_schema = database()"

    def __init__(
        self, host: str, port: int, database: str, *, user: str, password: str, context: ssl.SSLContext | None
    ) -> None:
        self.where = f"MySQL, {host}:{port}/{database}"
        self._arguments = {
            "host": host, "port": port, "db": database, "user": user, "password": password, "ssl": context,
        }  # fmt: skip
        self._name = hashlib.sha256(database.encode()).hexdigest()[:16]

    def lock(self, purpose: str) -> str:
        """The name of a lock; they are the server's, not the database's."""
        return f"pynetes.{self._name}.{purpose}"

    async def connect(self) -> "Session":
        connection = Connection(  # type: ignore[no-untyped-call]
            **self._arguments, autocommit=True, charset="utf8mb4", binary_prefix=True, connect_timeout=5
        )
        try:
            await connection.connect()
        except BaseException:
            connection.close()  # the driver leaves the socket of a refused handshake open
            raise
        session = Session(connection, self)
        try:
            for setting in (*_SETTINGS, _IDLE_MARIADB if session.is_mariadb else _IDLE_MYSQL):
                await session.fetch(setting)
        except BaseException:
            session.terminate()
            raise
        return session

    async def create_tables(self, session: AnySession) -> None:
        if (await session.fetch(_DURABLE))[0][0] != 1:
            raise StoreUnavailable(f"{self.where} loses commits in a crash: set innodb_flush_log_at_trx_commit = 1")
        await session.fetch("SELECT GET_LOCK(?, 10)", self.lock("tables"))
        for statement in _SCHEMA:
            await session.fetch(statement)
        await session.fetch("SELECT RELEASE_LOCK(?)", self.lock("tables"))

    async def listen(self, told: Callable[[int], None]) -> None:
        """MySQL tells nobody of commits: `listens` says so."""

    def error(self, error: Exception) -> ConnectionLost | StatementRefused | None:
        if isinstance(error, OSError | EOFError | InterfaceError | InternalError):
            return ConnectionLost(f"{self.where}: {error or type(error).__name__}")
        if isinstance(error, Error):
            code, *text = error.args or (0, "")
            what = f"{self.where}: {text[0] if text else code}"
            if code in _LOST_CODES or (isinstance(error, OperationalError) and code in _READ_ONLY_CODES):
                return ConnectionLost(what)
            return StatementRefused(what)
        return None


class Session:
    """One connection."""

    def __init__(self, connection: Any, dialect: MySQL) -> None:
        self.committing = False
        self._connection = connection
        self._dialect = dialect
        self.is_mariadb = "mariadb" in connection.get_server_info().lower()

    @property
    def is_closed(self) -> bool:
        return not self._connection.connected

    async def fetch(self, sql: str, *parameters: Any) -> Sequence[Row]:
        cursor = self._connection.cursor()
        try:
            if parameters:
                await cursor.execute(_formatted(sql), parameters)
            else:
                await cursor.execute(sql)
            rows: Sequence[Row] = await cursor.fetchall() if cursor.description else ()
            return rows
        finally:
            if self._connection.connected:
                await cursor.close()

    async def begin(self) -> None:
        await self.fetch("START TRANSACTION")
        await self.fetch(_LOCK)

    async def begin_view(self) -> None:
        # Between two reads lies whatever their reader does with what it got.
        await self.fetch(_PATIENT_MARIADB if self.is_mariadb else _PATIENT_MYSQL)
        await self.fetch("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        await self.fetch("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")

    async def load(self, keys: Sequence[bytes]) -> Sequence[Row]:
        return await self.fetch(_LOAD.format(_places(len(keys))), *keys)

    async def record(self, changes: Changes) -> None:
        if changes.history:
            await self._insert("INSERT INTO history", changes.history)
        if changes.current:
            await self._insert("REPLACE INTO current", changes.current)
        if changes.gone:
            await self.fetch(f'DELETE FROM current WHERE "key" IN ({_places(len(changes.gone))})', *changes.gone)

    async def _insert(self, into: str, rows: Sequence[Row]) -> None:
        places = ", ".join([f"({_places(len(rows[0]))})"] * len(rows))
        await self.fetch(f"{into} VALUES {places}", *(value for row in rows for value in row))

    async def commit(self, revision: int) -> None:
        await self.fetch("COMMIT")

    async def rollback(self) -> None:
        await self.fetch("ROLLBACK")

    async def try_lock(self, purpose: str) -> bool:
        return bool((await self.fetch("SELECT GET_LOCK(?, 0)", self._dialect.lock(purpose)))[0][0])

    async def forget(self, revisions: Sequence[int]) -> None:
        await self.fetch(f"DELETE FROM history WHERE revision IN ({_places(len(revisions))})", *revisions)

    async def harden(self) -> None:
        await self.fetch(_HARDEN)

    def terminate(self) -> None:
        self._connection.close()


def _places(number: int) -> str:
    return ", ".join("?" * number)


def _formatted(sql: str) -> str:
    """`?` as `%s`, and `%` as it is."""
    return re.sub(r"[%?]", lambda found: "%%" if found[0] == "%" else "%s", sql)
