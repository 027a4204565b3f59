"""What only a database knows: sizes, its history, who has it open, and replication."""

from collections.abc import Sequence

from pynetes.storage.database.dialect import Dialect, Row, Session, StatementRefused
from pynetes.storage.database.pool import attempt, connect
from pynetes.storage.interface import StoreUnavailable
from pynetes.storage.status.report import Compaction, Replication, StoreStatus

_VERSIONS = "SELECT count(*) FROM history"
_META = "SELECT name, value FROM meta"


async def look(dialect: Dialect, status: StoreStatus) -> Compaction:
    """Fills in what is not told by a view."""
    if status.error:
        return Compaction()
    try:
        size = await _ask(dialect, dialect.size)
        status.size = int(size[0][0] or 0)
        if status.in_use is None:
            status.in_use = await _in_use(dialect)
        status.replication, problem = await _replication(dialect, status.engine)
        if problem:
            status.problems.append(problem)
        meta = {str(name): int(value) for name, value in await _ask(dialect, _META)}
        versions = int((await _ask(dialect, _VERSIONS))[0][0])
    except StoreUnavailable as error:
        status.error = str(error)
        return Compaction()
    return Compaction(meta["compacted"], versions=versions, unswept=max(0, meta["compacted"] - meta["swept"] - 1))


async def _ask(dialect: Dialect, sql: str) -> Sequence[Row]:
    """On a connection of its own: one that was refused something is of no further use."""
    session = await connect(dialect)
    try:
        return await attempt(dialect, session, lambda s: s.fetch(sql))
    finally:
        session.terminate()


async def _in_use(dialect: Dialect) -> bool:
    """The first of the API servers has this lock."""
    session = await connect(dialect)
    try:
        return not await attempt(dialect, session, _lock)
    finally:
        session.terminate()


async def _lock(session: Session) -> bool:
    return await session.try_lock("keeper")


async def _replication(dialect: Dialect, engine: str) -> tuple[Replication | None, str]:
    """None where the user may not know."""
    try:
        return await (_postgres(dialect) if engine == "postgres" else _mysql(dialect))
    except StatementRefused:
        return None, ""


async def _postgres(dialect: Dialect) -> tuple[Replication, str]:
    if (await _ask(dialect, "SELECT pg_is_in_recovery()"))[0][0]:
        return Replication("standby"), "it is a standby, which takes no writes"
    rows = await _ask(
        dialect,
        "SELECT application_name, state, pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint"
        " FROM pg_stat_replication ORDER BY 1",
    )
    standbys = {str(name): None if behind is None else int(behind) for name, _, behind in rows}
    return Replication("primary" if standbys else "alone", standbys), ""


async def _mysql(dialect: Dialect) -> tuple[Replication, str]:
    problem = "it is read-only" if (await _ask(dialect, "SELECT @@read_only"))[0][0] else ""
    replicas = await _ask(
        dialect, "SELECT host FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%' ORDER BY 1"
    )
    standbys: dict[str, int | None] = {str(host): None for (host,) in replicas}
    try:
        if await _ask(dialect, "SHOW SLAVE STATUS"):
            return Replication("standby", standbys), problem or "it follows another server"
    except StatementRefused:  # a newer MySQL has other words for it, and it takes a right of its own
        pass
    return Replication("primary" if standbys else "alone", standbys), problem
