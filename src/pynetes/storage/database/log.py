"""The history in a shared database, with SQLite's three tables: history, current, meta (see `sql_log`).

Every read is one statement, and so one moment and one round trip: each row carries the newest and the compacted
revision beside what was asked for, and there is always one.
"""

from collections.abc import Sequence

from msgspec import Struct

from pynetes.storage.database.dialect import Changes, Row, Session
from pynetes.storage.interface import Compacted, Event, FutureRevision, KeyValue, ListResult, StoreUnavailable
from pynetes.storage.keys import prefix_end
from pynetes.storage.log import Position
from pynetes.storage.mvcc import FIRST_REVISION, Outcome, Write, decide
from pynetes.storage.rows import history_event, history_row

FORMAT = 1

_POSITION = """
    SELECT (SELECT max(revision) FROM history) AS newest,
        (SELECT value FROM meta WHERE name = 'compacted') AS compacted"""
_GET = f"""
    SELECT p.newest, p.compacted, c."key", h.value, c.create_revision, c.mod_revision FROM ({_POSITION}) p
    LEFT JOIN current c ON c."key" = ? LEFT JOIN history h ON h.revision = c.mod_revision"""
_OLD_GET = f"""
    SELECT p.newest, p.compacted, h."key", h.value, h.create_revision, h.revision, h.deleted FROM ({_POSITION}) p
    LEFT JOIN (SELECT * FROM history WHERE "key" = ? AND revision <= ? ORDER BY revision DESC LIMIT 1) h ON 1 = 1"""
_OLD_KEYS = """
    SELECT max(revision * 2 + deleted) AS version FROM history WHERE "key" >= ? AND "key" < ? AND revision <= ?
    GROUP BY "key" HAVING (max(revision * 2 + deleted) & 1) = 0"""
_CURRENT = """
    SELECT c."key", h.value, c.create_revision, c.mod_revision FROM current c JOIN history h
    ON h.revision = c.mod_revision WHERE c."key" >= ? AND c."key" < ? ORDER BY c."key" """
_OLD = f"""
    SELECT h."key", h.value, h.create_revision, h.revision AS mod_revision FROM ({_OLD_KEYS} ORDER BY "key" %s) m
    JOIN history h ON h.revision = m.version >> 1"""
_LIST = f"""
    SELECT p.newest, p.compacted, %s, i."key", i.value, i.create_revision, i.mod_revision
    FROM ({_POSITION}) p LEFT JOIN (%s) i ON 1 = 1"""
_RANGE = _LIST % ("0", _CURRENT)
_PAGE = _LIST % ('(SELECT count(*) FROM current WHERE "key" >= ? AND "key" < ?)', _CURRENT + "LIMIT ?")
_OLD_RANGE = _LIST % ("0", _OLD % "")
_OLD_PAGE = _LIST % (f"(SELECT count(*) FROM ({_OLD_KEYS}) n)", _OLD % "LIMIT ?")
_CHANGES = f"""
    SELECT p.newest, p.compacted, i.* FROM ({_POSITION}) p LEFT JOIN (
        SELECT h."key", h.value, h.create_revision, h.revision, h.deleted,
            q.revision AS prev_revision, q.value AS prev_value
        FROM history h LEFT JOIN history q ON q.revision = h.prev_revision
        WHERE h.revision > ? AND h.revision <= ? %s ORDER BY h.revision LIMIT ?) i ON 1 = 1"""
_ALL_CHANGES = _CHANGES % ""
_CHANGES_UNDER = _CHANGES % 'AND h."key" >= ? AND h."key" < ?'
_NEXT_EXPIRY = "SELECT min(expires) FROM current WHERE expires > 0"
_EXPIRED = 'SELECT "key", mod_revision FROM current WHERE expires > 0 AND expires <= ? ORDER BY expires LIMIT ?'
_META = "SELECT value FROM meta WHERE name = ?"
_PROBE = "UPDATE meta SET value = value WHERE name = 'format'"
_RAISE_META = "UPDATE meta SET value = ? WHERE name = ? AND value < ?"
_SUPERSEDED = """
    SELECT revision, prev_revision, deleted FROM history
    WHERE revision > ? AND revision <= ? ORDER BY revision LIMIT ?"""
_FOREVER = (1 << 62) - 1


# --- reads


async def position(session: Session) -> Position:
    return _position((await session.fetch(_POSITION))[0])


async def get(session: Session, key: str, revision: int) -> tuple[KeyValue | None, int]:
    if revision:
        (row,) = await session.fetch(_OLD_GET, key.encode(), revision)
    else:
        (row,) = await session.fetch(_GET, key.encode())
    newest = _checked(row, revision).revision
    there = row[2] is not None and not (revision and row[6])
    return (KeyValue(key, *row[3:6]) if there else None), newest


async def list_range(session: Session, prefix: str, revision: int, limit: int, start: str) -> tuple[ListResult, int]:
    """The list, and the newest revision that was visible."""
    at = (revision,) if revision else ()
    bounds = (max(prefix, start).encode(), prefix_end(prefix).encode(), *at)
    if limit:
        rows = await session.fetch(_OLD_PAGE if at else _PAGE, *bounds, *bounds, limit)
    else:
        rows = await session.fetch(_OLD_RANGE if at else _RANGE, *bounds)
    newest = _checked(rows[0], revision).revision
    items = [KeyValue(row[3].decode(), *row[4:]) for row in rows if row[3] is not None]
    items.sort(key=_key)  # it is sorted, but SQL does not promise that of a join
    remaining = rows[0][2] - len(items) if limit else 0
    return ListResult(items, revision or newest, remaining > 0, remaining), newest


async def changes(
    session: Session, after: int, *, upto: int = _FOREVER, prefix: str = "", limit: int
) -> tuple[list[Event], int]:
    """The first `limit` events under the prefix with `after` < their revision <= `upto`, and the newest revision."""
    if prefix:
        bounds = (prefix.encode(), prefix_end(prefix).encode())
        rows = await session.fetch(_CHANGES_UNDER, after, upto, *bounds, limit)
    else:
        rows = await session.fetch(_ALL_CHANGES, after, upto, limit)
    found = _position(rows[0])
    if after < found.compacted:
        raise Compacted(after + 1, found.compacted + 1)
    events = [history_event(row[2].decode(), *row[3:]) for row in rows if row[2] is not None]
    events.sort(key=_revision)
    return events, found.revision


async def next_expiry(session: Session) -> int:
    return (await session.fetch(_NEXT_EXPIRY))[0][0] or 0


async def probe(session: Session) -> list[Event]:
    """Writes something that means nothing."""
    await session.fetch(_PROBE)
    await session.harden()  # for the database that finds nothing to write in it
    return []


async def check_format(session: Session, where: str) -> None:
    """StoreUnavailable for tables of a newer version."""
    found = (await session.fetch(_META, "format"))[0][0]
    if found > FORMAT:
        raise StoreUnavailable(f"{where} was written by a newer version (format {found}, known: {FORMAT})")


def _position(row: Row) -> Position:
    return Position(row[0] or FIRST_REVISION, row[1])


def _checked(row: Row, revision: int) -> Position:
    found = _position(row)
    if revision > found.revision:
        raise FutureRevision(revision, found.revision)
    if revision and revision < found.compacted:
        raise Compacted(revision, found.compacted)
    return found


def _key(kv: KeyValue) -> str:
    return kv.key


def _revision(event: Event) -> int:
    return event.kv.mod_revision


# --- writes


async def append(session: Session, writes: Sequence[Write]) -> list[Outcome]:
    """Does the writes in order in one transaction."""
    await session.begin()
    return await _append(session, writes)


async def expire(session: Session, now: int, limit: int) -> list[Event]:
    """Deletes at most `limit` keys whose time is over at the wall-clock second `now`."""
    await session.begin()
    rows = await session.fetch(_EXPIRED, now, limit)
    if not rows:
        await session.rollback()
        return []
    outcomes = await _append(session, [Write(key.decode(), None, revision) for key, revision in rows])
    return [outcome for outcome in outcomes if isinstance(outcome, Event)]


async def _append(session: Session, writes: Sequence[Write]) -> list[Outcome]:
    rows = await session.load(sorted({write.key.encode() for write in writes}))
    current = {row[1].decode(): KeyValue(row[1].decode(), *row[2:]) for row in rows if row[1] is not None}
    outcomes = decide(writes, current, rows[0][0] or FIRST_REVISION)
    done = [(event, write.expires) for write, event in zip(writes, outcomes, strict=True) if isinstance(event, Event)]
    if not done:
        await session.rollback()
        return outcomes
    await session.record(_changes(done))
    session.committing = True
    await session.commit(done[-1][0].kv.mod_revision)
    session.committing = False
    return outcomes


def _changes(done: Sequence[tuple[Event, int]]) -> Changes:
    made = Changes()
    for event, _ in done:
        revision, key, *rest = history_row(event)
        made.history.append((revision, key.encode(), *rest))
    for key, (event, expires) in {event.kv.key: (event, expires) for event, expires in done}.items():
        if event.type == "DELETE":
            made.gone.append(key.encode())
        else:
            made.current.append((key.encode(), event.kv.mod_revision, event.kv.create_revision, expires))
    return made


# --- compaction: it touches rows that no write does, so it needs no write lock


class Sweep(Struct):
    """A compaction under way; `swept`: nothing superseded is left up to there."""

    revision: int
    newest: int
    swept: int


async def begin_compaction(session: Session, revision: int) -> Sweep | None:
    """Makes older revisions unreadable. None when they are gone already."""
    found = await position(session)
    if revision > found.revision:
        raise FutureRevision(revision, found.revision)
    await session.fetch(_RAISE_META, revision, "compacted", revision)
    swept = (await session.fetch(_META, "swept"))[0][0]
    # The newest row stays, even if it tells of a delete: the store's revision is read from it.
    return Sweep(revision, found.revision, swept) if swept < min(revision, found.revision - 1) else None


async def compact_slice(session: Session, sweep: Sweep, limit: int) -> bool:
    """Deletes about `limit` old versions; True when none is left. What was cut short is done again by the next."""
    rows = await session.fetch(_SUPERSEDED, sweep.swept, sweep.revision, limit)
    old = [prev for _, prev, _ in rows if prev]
    old += [deleted for deleted, _, is_deleted in rows if is_deleted and deleted != sweep.newest]
    if old:
        await session.forget(old)
    done = len(rows) < limit
    sweep.swept = min(sweep.revision, sweep.newest - 1) if done else rows[-1][0]
    await session.fetch(_RAISE_META, sweep.swept, "swept", sweep.swept)
    return done
