"""kill -9 under load: every write that was acknowledged is there afterwards, in one unbroken history.

PYNETES_KILL_ROUNDS sets how often.
"""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from pynetes.storage.sqlite import SQLiteStore

ROUNDS = int(os.environ.get("PYNETES_KILL_ROUNDS", "10"))

WRITER = """
import asyncio, os, sys
from pynetes.storage.sqlite import SQLiteStore

async def write(store, name):
    key = f"/registry/core/pods/default/{name}"
    kv, _ = await store.get(key)
    for number in range(1_000_000):
        value = f"{name} {number} ".encode() * 100
        if kv is None:
            kv = await store.create(key, value)
        elif number % 7 == 6:
            gone = await store.delete(key, expected=kv.mod_revision)
            os.write(1, f"{key} {gone.mod_revision} 0\\n".encode())
            kv = None
            continue
        else:
            kv = await store.update(key, value, expected=kv.mod_revision)
        os.write(1, f"{key} {kv.mod_revision} 1\\n".encode())

async def main():
    store = await SQLiteStore.open(sys.argv[1])
    async def compact():
        while True:
            await store.compact(max(1, await store.revision() - 200))
            await asyncio.sleep(0.02)
    await asyncio.gather(compact(), *(write(store, f"w{i}") for i in range(12)))

asyncio.run(main())
"""


def write_and_kill(path: Path, acknowledgements: int) -> list[tuple[str, int, bool]]:
    """Runs writers in another process, kills it after so many acknowledged writes and returns all it had told."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        told = [child.stdout.readline() for _ in range(acknowledgements)]
        child.send_signal(signal.SIGKILL)
        told += child.stdout.readlines()
    assert child.returncode == -signal.SIGKILL
    lines = [line.decode().split() for line in told if line.endswith(b"\n")]
    return [(key, int(revision), there == "1") for key, revision, there in lines]


async def surviving(path: Path) -> tuple[dict[str, int], int]:
    """Keys with their revisions after a restart, and the store's revision."""
    store = await SQLiteStore.open(path)
    listed = await store.list("/")
    await store.close()
    return {kv.key: kv.mod_revision for kv in listed.items}, listed.revision


def check_history(path: Path) -> None:
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    compacted, newest = db.execute(
        "SELECT (SELECT value FROM meta WHERE name = 'compacted'), (SELECT max(revision) FROM history)"
    ).fetchone()
    kept = [
        row[0] for row in db.execute("SELECT revision FROM history WHERE revision > ? ORDER BY 1", (compacted or 1,))
    ]
    assert kept == list(range((compacted or 1) + 1, newest + 1))
    wrong = db.execute(
        """SELECT c.key FROM current c LEFT JOIN history h ON h.revision = c.mod_revision
           WHERE h.key IS NOT c.key OR h.deleted"""
    ).fetchall()
    db.close()
    assert wrong == []


@pytest.mark.parametrize(("acknowledgements", "rounds"), [(1, ROUNDS // 4), (40, ROUNDS), (400, ROUNDS // 4)])
async def test_no_acknowledged_write_is_lost(tmp_path: Path, acknowledgements: int, rounds: int) -> None:
    path = tmp_path / "store.db"
    last: dict[str, tuple[int, bool]] = {}
    for _ in range(max(1, rounds)):
        told = await asyncio.to_thread(write_and_kill, path, acknowledgements)
        for key, revision, there in told:
            last[key] = (revision, there)
        found, newest = await surviving(path)
        assert newest >= max(revision for revision, _ in last.values())
        for key, (revision, there) in last.items():
            # A write that the kill kept from being acknowledged may have come after it.
            assert found.get(key, 0) >= revision or (key not in found and (not there or newest > revision)), key
        check_history(path)
