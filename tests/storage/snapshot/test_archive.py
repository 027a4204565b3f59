"""The file of a snapshot: what is written is read, and what is not whole is refused."""

import gzip
import hashlib
import io
import json
import os
import random
from pathlib import Path

import pytest

from pynetes.storage.snapshot import SnapshotError, restore
from pynetes.storage.snapshot.archive import Header, Reader, Writer
from pynetes.storage.snapshot.view import Record

HEADER = Header(engine="sqlite", cluster="c", revision=7, time="2026-01-01T00:00:00Z", version="1")
NOISE = random.Random(1)


def write(path: Path, records: list[Record], header: Header = HEADER) -> bytes:
    file = io.BytesIO()
    writer = Writer(file, header)
    writer.write(records)
    writer.finish()
    assert writer.size == len(file.getvalue())
    path.write_bytes(file.getvalue())
    return file.getvalue()


RECORDS = [
    Record("/a", b"", 1, 2, 0),
    Record("/a/ä", bytes(range(256)), 3, 1 << 60, 1_900_000_000),
    Record("/b", NOISE.randbytes(3 << 20), 5, 6, 0),
    *(Record(f"/c/{n:05}", NOISE.randbytes(n % 700), 8, 9, n) for n in range(3000)),
    Record("/\U0001f600", b"x" * (4 << 20), 5, 6, 0),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "snapshot"


def test_what_is_written_is_read_as_often_as_wanted(path: Path) -> None:
    write(path, RECORDS)
    with Reader(path) as reader:
        assert reader.header == HEADER
        for _ in range(2):
            reader.verify()
            assert [record for batch in reader.batches() for record in batch] == RECORDS


def test_batches_are_small(path: Path) -> None:
    write(path, RECORDS)
    with Reader(path) as reader:
        for batch in reader.batches():
            assert len(batch) <= 500
            assert len(batch) == 1 or sum(len(record.value) for record in batch[:-1]) <= 1 << 20


def test_the_format_is_what_its_page_says(path: Path) -> None:
    """Any tool can read it."""
    data = write(path, RECORDS[:2])
    magic, header, rest = data.split(b"\n", 2)
    assert magic == b"pynetes snapshot"
    assert json.loads(header) == {
        "format": 1, "engine": "sqlite", "cluster": "c", "revision": 7, "time": "2026-01-01T00:00:00Z", "version": "1",
    }  # fmt: skip
    assert hashlib.sha256(data[:-32]).digest() == data[-32:]
    body = gzip.decompress(rest[:-32])
    assert body.startswith((2).to_bytes(4) + (0).to_bytes(4) + (1).to_bytes(8) + (2).to_bytes(8) + bytes(8) + b"/a")


def refused(path: Path) -> str:
    with pytest.raises(SnapshotError) as caught, Reader(path) as reader:
        reader.verify()
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_every_truncation_is_refused(path: Path) -> None:
    data = write(path, RECORDS[3:100])
    for length in [*range(400), *range(400, len(data), 97), len(data) - 1]:
        path.write_bytes(data[:length])
        assert "is no snapshot" in refused(path) or "damaged" in refused(path)
    path.write_bytes(data + b"x")
    assert "checksum does not match" in refused(path)


def test_every_damage_is_refused(path: Path) -> None:
    data = write(path, RECORDS[3:100])
    for at in [*range(400), *range(400, len(data), 97), len(data) - 1]:
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
        assert refused(path)


def test_a_foreign_file_is_refused(path: Path) -> None:
    for content in (b"", b"SQLite format 3\0" * 100, b"pynetes snapshots\n{}\n" + bytes(100)):
        path.write_bytes(content)
        assert "is no snapshot of Pynetes" in refused(path)


def test_a_newer_format_is_refused(path: Path) -> None:
    write(path, RECORDS[:1], Header(format=2, engine="x", cluster="", revision=1, time="", version="9"))
    assert "written by a newer version (format 2, known: 1)" in refused(path)


def test_a_file_that_cannot_be_read_is_told(path: Path) -> None:
    assert "No such file" in refused(path)
    path.mkdir()
    assert "Is a directory" in refused(path)


def test_records_that_no_writer_writes_are_refused(path: Path) -> None:
    for records, why in (
        ([RECORDS[1], RECORDS[0]], "out of order"),
        ([RECORDS[0], RECORDS[0]], "out of order"),
    ):
        write(path, records)
        with pytest.raises(SnapshotError, match=why), Reader(path) as reader:
            list(reader.batches())


@pytest.fixture
def cut(path: Path) -> Path:
    path.write_bytes(write(path, RECORDS[3:100])[:-100])
    return path


async def test_nothing_is_made_of_a_damaged_file(cut: Path, tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="truncated or damaged: its checksum does not match"):
        await restore(cut, f"sqlite://{tmp_path}/made/store.db")
    assert os.listdir(tmp_path) == ["snapshot"]


async def test_damage_that_happens_under_way_is_noticed(path: Path, tmp_path: Path) -> None:
    """The file is verified first, and once more while it is read."""
    data = write(path, RECORDS)
    verify = Reader.verify

    def verify_and_damage(self: Reader) -> None:
        verify(self)
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Reader, "verify", verify_and_damage)
        with pytest.raises(SnapshotError, match="checksum does not match"):
            await restore(path, f"sqlite://{tmp_path}/store.db")
    assert sorted(os.listdir(tmp_path)) == ["snapshot", "store.db.lock"]
