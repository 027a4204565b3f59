"""What SQLite adds to the contract: one process, plain SQL, full disks, locked files, restarts."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pynetes.storage import Event, StoreUnavailable, open_store
from pynetes.storage.mvcc import Write
from pynetes.storage.sql_log import SQLLog
from pynetes.storage.sqlite import SQLite, SQLiteStore

HOLDER = """
import asyncio, sys
from pynetes.storage.sqlite import SQLiteStore

async def main():
    store = await SQLiteStore.open(sys.argv[1])
    print("open", flush=True)
    sys.stdin.read()
    await store.close()

asyncio.run(main())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "store.db"


async def test_a_second_opener_is_told_who_holds_the_store(path: Path) -> None:
    store = await SQLiteStore.open(path)
    with pytest.raises(StoreUnavailable, match=f"{path} is in use by process {os.getpid()}"):
        await SQLiteStore.open(path)
    await store.close()
    command = (sys.executable, "-c", HOLDER, str(path))
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert child.stdout is not None
    await child.stdout.readline()
    with pytest.raises(StoreUnavailable, match=f"in use by process {child.pid}"):
        await SQLiteStore.open(path)
    await child.communicate(b"")
    await (await SQLiteStore.open(path)).close()


async def test_what_was_written_is_there_after_a_restart(path: Path) -> None:
    store = await open_store(f"sqlite://{path}")
    first = await store.create("/a", b"1")
    second = await store.update("/a", b"2", expected=first.mod_revision)
    await store.close()
    store = await open_store(f"sqlite://{path}")
    assert await store.get("/a") == (second, second.mod_revision)
    assert (await store.get("/a", revision=first.mod_revision))[0] == first
    async with store.watch("/", start=first.mod_revision) as watch:
        assert [event.kv for event in (await anext(watch)).events] == [first, second]
    assert (await store.create("/b", b"")).mod_revision == second.mod_revision + 1
    await store.close()


async def test_keys_expire_after_a_restart(path: Path) -> None:
    store = await SQLiteStore.open(path)
    made = await store.create("/a", b"", ttl=1)
    await store.close()
    store = await SQLiteStore.open(path)
    async with store.watch("/", start=made.mod_revision + 1) as watch:
        assert [event.type for event in (await anext(watch)).events] == ["DELETE"]
    await store.close()


async def test_the_file_can_be_read_with_plain_sql_while_the_store_runs(path: Path) -> None:
    store = await SQLiteStore.open(path)
    made = await store.create("/registry/core/pods/default/a", b'{"kind":"Pod"}')
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as reader:
        rows = reader.execute("SELECT key, mod_revision, value FROM objects").fetchall()
    reader.close()
    assert rows == [("/registry/core/pods/default/a", made.mod_revision, '{"kind":"Pod"}')]
    await store.close()


async def test_only_the_owner_can_read_the_files(path: Path) -> None:
    store = await SQLiteStore.open(path)
    await store.create("/secret", b"")
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file
    await store.close()


async def test_a_lock_of_another_process_fails_the_write_but_no_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pynetes.storage.sqlite._BUSY_SECONDS", 0.05)
    store = await SQLiteStore.open(path)
    made = await store.create("/a", b"")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="database is locked"):
        await store.create("/b", b"")
    assert (await store.list("/")).items == [made]
    other.execute("ROLLBACK")
    other.close()
    await store.create("/b", b"")
    await store.close()


async def test_a_write_that_waits_for_another_process_keeps_nobody_else_waiting(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pynetes.storage.sqlite._BUSY_SECONDS", 20.0)
    store = await SQLiteStore.open(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing = asyncio.gather(*(store.create(f"/{i}", b"") for i in range(5)))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not writing.done()
    other.execute("ROLLBACK")  # had the event loop waited, the write would have given up by now
    other.close()
    assert [kv.mod_revision for kv in await writing] == [2, 3, 4, 5, 6]
    await store.close()


def test_what_is_staged_is_seen_once_it_is_committed(path: Path) -> None:
    log = SQLLog(SQLite(path))
    reader = log.reader()
    (made,) = log.stage([Write("/a", b"1", 0)])
    assert isinstance(made, Event)
    assert reader.get("/a", 0) == (None, 1)
    log.commit()
    assert reader.get("/a", 0) == (made.kv, 2)
    reader.close()
    log.close()


async def test_a_full_database_fails_the_write_and_nothing_else(path: Path) -> None:
    log = SQLLog(SQLite(path))
    log._db.execute("PRAGMA max_page_count = 60")
    store = SQLiteStore(log, threads=True)
    async with store.watch("/", start=2) as watch:
        small = [f"/{i:03}" for i in range(50)]
        outcomes = await asyncio.gather(
            *(store.create(key, b"x" * 10) for key in small[:25]),
            store.create("/large", b"x" * 1_000_000),
            *(store.create(key, b"x" * 10) for key in small[25:]),
            return_exceptions=True,
        )
        failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        assert len(failed) == 1
        assert isinstance(failed[0], StoreUnavailable)
        assert "database or disk is full" in str(failed[0])
        told: list[str] = []
        while len(told) < 50:
            told += [event.kv.key for event in (await anext(watch)).events]
        assert told == small
    written, _ = await store.get("/000")
    assert written is not None
    await store.delete("/000", expected=written.mod_revision)
    await store.close()
    store = await SQLiteStore.open(path)
    assert [kv.key for kv in (await store.list("/")).items] == small[1:]
    await store.create("/large", b"x" * 1_000_000)
    await store.close()


FULL_DISK = """
import asyncio, sys
from pynetes.storage import StoreUnavailable
from pynetes.storage.sqlite import SQLiteStore

async def main():
    store = await SQLiteStore.open(sys.argv[1] + "/store.db")
    acknowledged, refused = [], 0
    for number in range(400):
        try:
            acknowledged.append(await store.create(f"/{number:03}", b"x" * 20_000))
        except StoreUnavailable as e:
            refused += 1
            assert "full" in str(e) or "I/O" in str(e), e
    assert acknowledged and refused, (len(acknowledged), refused)
    assert (await store.list("/")).items == acknowledged
    open(sys.argv[1] + "/ballast", "r+").truncate(0)
    acknowledged.append(await store.create("/room", b"again"))
    await store.close()
    store = await SQLiteStore.open(sys.argv[1] + "/store.db")
    assert sorted((await store.list("/")).items, key=lambda kv: kv.key) == sorted(acknowledged, key=lambda kv: kv.key)
    await store.close()

asyncio.run(main())
"""


@pytest.mark.root
def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    script = (
        f"mount -t tmpfs -o size=4m tmpfs {tmp_path} && head -c 1000000 /dev/zero > {tmp_path}/ballast"
        f' && exec {sys.executable} -c "$1" {tmp_path}'
    )
    subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", FULL_DISK], check=True, timeout=60)


async def test_files_that_are_no_store_are_refused_plainly(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.db"
    garbage.write_bytes(b"not a database at all, " * 1000)
    with pytest.raises(StoreUnavailable, match=f"cannot open the store {garbage}: file is not a database"):
        await SQLiteStore.open(garbage)
    with pytest.raises(StoreUnavailable, match="cannot open the store"):
        await SQLiteStore.open(garbage / "below")
    with pytest.raises(StoreUnavailable, match="no store engine for 'nosuch:x'"):
        await open_store("nosuch:x")


async def test_a_newer_format_is_refused_and_left_alone(path: Path) -> None:
    await (await SQLiteStore.open(path)).close()
    db = sqlite3.connect(path)
    with db:
        db.execute("UPDATE meta SET value = 99 WHERE name = 'format'")
    db.close()
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="written by a newer version"):
            await SQLiteStore.open(path)


async def test_compaction_frees_the_rows_and_most_of_the_room(path: Path) -> None:
    store = await SQLiteStore.open(path)
    kv = await store.create("/hot", b"x" * 3000)
    for _ in range(3000):
        kv = await store.update("/hot", b"x" * 3000, expected=kv.mod_revision)
    gone = await store.create("/gone", b"")
    gone = await store.delete("/gone", expected=gone.mod_revision)
    await store.compact(gone.mod_revision)
    await store.close()
    db = sqlite3.connect(path)
    # The last change stays, for the revision is read from it.
    assert db.execute("SELECT count(*) FROM history").fetchone() == (2,)
    pages, free = db.execute("PRAGMA page_count").fetchone()[0], db.execute("PRAGMA freelist_count").fetchone()[0]
    db.close()
    assert pages - free < 20


async def test_a_compaction_cut_short_is_finished_by_the_next(path: Path) -> None:
    log = SQLLog(SQLite(path))
    store = SQLiteStore(log, threads=True)
    kv = await store.create("/a", b"")
    for _ in range(50):
        kv = await store.update("/a", b"", expected=kv.mod_revision)
    assert not await store._commit.call(lambda log: log.compact(kv.mod_revision, 10))
    await store.close()
    store = await SQLiteStore.open(path)
    assert (await store.get("/a"))[0] == kv
    await store.compact(kv.mod_revision)
    await store.close()
    db = sqlite3.connect(path)
    assert db.execute("SELECT revision FROM history").fetchall() == [(kv.mod_revision,)]
    db.close()


async def test_reads_do_not_wait_for_a_long_write(path: Path) -> None:
    store = await SQLiteStore.open(path)
    made = await store.create("/a", b"")
    began, release = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold(_: object) -> None:
        loop.call_soon_threadsafe(began.set)
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result(30)

    holding = store._commit.call(hold)
    await began.wait()
    assert (await store.get("/a"))[0] == made
    assert (await store.list("/")).items == [made]
    release.set()
    await holding
    await store.close()


async def test_a_list_at_the_present_reads_no_history(path: Path) -> None:
    from pynetes.storage import sql_log

    await (await SQLiteStore.open(path)).close()
    db = sqlite3.connect(path)
    plans = {
        sql: " ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", ("x",) * sql.count("?")))
        for sql in (
            sql_log._RANGE,
            sql_log._OLD_COUNT,
            sql_log._OLD_RANGE,
            sql_log._AFTER,
            sql_log._SUPERSEDED,
            sql_log._NEXT_EXPIRY,
        )
    }
    db.close()
    assert all("TEMP B-TREE" not in plan for plan in plans.values()), plans
    assert all("SCAN history" not in plan and "SCAN h " not in plan for plan in plans.values()), plans
    assert "COVERING INDEX" in plans[sql_log._OLD_COUNT]
    assert "SEARCH c USING PRIMARY KEY" in plans[sql_log._RANGE]


async def test_a_busy_event_loop_does_not_starve_the_writer(path: Path) -> None:
    store = await SQLiteStore.open(path)
    await store.create("/first", b"")
    writing = asyncio.gather(*(store.create(f"/{i}", b"x" * 2000) for i in range(50)))
    async with asyncio.timeout(100):
        while not writing.done():
            sum(range(2000))  # tens of microseconds, and never idle
            await asyncio.sleep(0)
    assert len(await writing) == 50
    await store.close()
