"""The compactor keeps one to two periods of history."""

import logging
from dataclasses import dataclass, field

import msgspec
import pytest

from pynetes.component.tasks import Tasks
from pynetes.storage import Compacted, KeyExists, KeyValue, StoreUnavailable
from pynetes.storage.compactor import NOTE, Compactor, Note
from pynetes.storage.memory import MemoryStore


@dataclass
class RecordingStore:
    """Counts on at every look, and records what is compacted."""

    now: int = 0
    fails: bool = False
    compacted: list[int] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    async def revision(self) -> int:
        self.now += 10
        return self.now

    async def compact(self, revision: int) -> None:
        if self.fails:
            raise StoreUnavailable("disk full")
        self.compacted.append(revision)

    async def get(self, key: str) -> tuple[KeyValue | None, int]:
        return None, self.now

    async def create(self, key: str, value: bytes) -> None:
        self.notes.append(msgspec.json.decode(value, type=Note))


async def test_it_compacts_to_what_was_newest_a_period_ago() -> None:
    store = RecordingStore()
    compactor = Compactor(store)  # type: ignore[arg-type]
    due = 0
    for _ in range(4):
        due = await compactor._step(due)
    assert store.compacted == [10, 20, 30]
    assert [note.revision for note in store.notes] == [0, 10, 20, 30]


async def test_a_failed_compaction_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    store = RecordingStore(fails=True)
    compactor = Compactor(store)  # type: ignore[arg-type]
    assert await compactor._step(5) == 5
    assert "disk full" in caplog.text
    assert store.notes == []
    store.fails = False
    assert await compactor._step(5) == 20
    assert store.compacted == [5]


async def test_it_says_when_it_falls_behind(caplog: pytest.LogCaptureFixture) -> None:
    store = RecordingStore()
    await Compactor(store, period=-1.0)._compact(7)  # type: ignore[arg-type]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_running_it_forgets_the_past_of_a_store() -> None:
    store = MemoryStore()
    made = await store.create("/a", b"1")
    changed = await store.update("/a", b"2", expected=made.mod_revision)
    await store.update("/a", b"3", expected=changed.mod_revision)
    async with Tasks("test") as tasks:
        tasks.start(Compactor(store, period=0.001).run(), name="compactor")
        async with store.watch("/", start=2) as watch:
            await anext(watch)
        compacted = False
        while not compacted:
            await store.create(f"/{await store.revision()}", b"")
            try:
                await store.get("/a", revision=made.mod_revision)
            except Compacted:
                compacted = True
    await store.close()


async def test_period_zero_is_off() -> None:
    store = RecordingStore()
    await Compactor(store, period=0).run()  # type: ignore[arg-type]
    assert store.compacted == []


async def test_the_store_knows_how_far_it_came() -> None:
    store = MemoryStore()
    compactor = Compactor(store)
    due = await compactor._step(0)
    for number in range(3):
        await store.create(f"/{number}", b"")
        due = await compactor._step(due)
    found, _ = await store.get(NOTE)
    assert found is not None
    note = msgspec.json.decode(found.value, type=Note)
    with pytest.raises(Compacted):
        await store.get(NOTE, revision=note.revision - 1)
    await store.get(NOTE, revision=note.revision)
    await store.close()


async def test_of_servers_that_note_at_once_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()

    async def late(key: str, *, revision: int = 0) -> tuple[KeyValue | None, int]:
        return None, 1

    await Compactor(store)._note(5)
    monkeypatch.setattr(store, "get", late)
    with pytest.raises(KeyExists):
        await store.create(NOTE, b"")
    await Compactor(store)._note(6)
    await store.close()
