"""The file: a snapshot's bytes, written and read as streams. All of it blocks.

    pynetes snapshot                the magic line
    {"format":1,"engine":…}         the header, a line of JSON
    gzip                            the records, in the order of their keys: numbers as in `_RECORD`, key, value
    SHA-256                         of all that is before it, 32 bytes

`head -2 FILE` shows what a snapshot is of.
"""

import hashlib
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec
from isal import isal_zlib

from pynetes.storage.interface import StoreError
from pynetes.storage.snapshot.view import Record

FORMAT = 1
_MAGIC = b"pynetes snapshot\n"
_HEADER_MAX = 1 << 16
_RECORD = struct.Struct(">IIQQQ")
"""Lengths of key and value, create_revision, mod_revision, expires."""
_CHUNK = 1 << 18
_BATCH_RECORDS, _BATCH_BYTES = 500, 1 << 20
_GZIP = 31  # zlib's window bits for gzip
_DIGEST = 32


class SnapshotError(StoreError):
    """The snapshot cannot be taken or used; the message names file and reason."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """`cluster` is what identifies it (may be empty), `revision` the one moment of all records, `time` RFC 3339."""

    format: int = FORMAT
    engine: str
    cluster: str
    revision: int
    time: str
    version: str


class Writer:
    """Writes to a file that is open; `finish` ends it. OSError. `size`: bytes written."""

    def __init__(self, file: BinaryIO, header: Header) -> None:
        self.size = 0
        self._file = file
        self._digest = hashlib.sha256()
        self._gzip = isal_zlib.compressobj(1, wbits=_GZIP)
        self._put(_MAGIC + msgspec.json.encode(header) + b"\n")

    def write(self, records: Sequence[Record]) -> None:
        for record in records:
            key = record.key.encode()
            numbers = _RECORD.pack(
                len(key), len(record.value), record.create_revision, record.mod_revision, record.expires
            )
            self._put(self._gzip.compress(numbers + key + record.value))

    def finish(self) -> None:
        self._put(self._gzip.flush())
        self.size += self._file.write(self._digest.digest())

    def _put(self, data: bytes) -> None:
        if data:
            self._digest.update(data)
            self.size += self._file.write(data)


class Reader:
    """A snapshot to read, any number of times. SnapshotError for a file that is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise SnapshotError(f"cannot read {path}: {error.strerror}") from error
        try:
            self.header = self._read_header()
        except BaseException:
            self._file.close()
            raise

    def _read_header(self) -> Header:
        try:
            start, line = self._file.read(len(_MAGIC)), self._file.readline(_HEADER_MAX)
        except OSError as error:
            raise SnapshotError(f"cannot read {self.path}: {error.strerror}") from error
        if start != _MAGIC:
            raise SnapshotError(f"{self.path} is no snapshot of Pynetes")
        try:
            header = msgspec.json.decode(line, type=Header)
        except msgspec.DecodeError as error:
            raise SnapshotError(f"{self.path} is damaged: its header cannot be read ({error})") from None
        if header.format != FORMAT:
            raise SnapshotError(f"{self.path} was written by a newer version (format {header.format}, known: {FORMAT})")
        return header

    def verify(self) -> None:
        """Reads it whole. SnapshotError if the checksum does not match."""
        for _ in self._body():
            pass

    def batches(self) -> Iterator[list[Record]]:
        """The records, some at a time. SnapshotError, at the end at the latest, if they are not what was written."""
        found: list[Record] = []
        size, last = 0, ""
        for record in self._records():
            if record.key <= last:
                raise self._damaged("its keys are out of order")
            last = record.key
            found.append(record)
            size += len(record.value)
            if len(found) == _BATCH_RECORDS or size > _BATCH_BYTES:
                yield found
                found, size = [], 0
        if found:
            yield found

    def _records(self) -> Iterator[Record]:
        rest = b""
        for data in self._unzipped():
            rest += data
            at = 0
            while len(rest) - at >= _RECORD.size:
                key_length, value_length, created, modified, expires = _RECORD.unpack_from(rest, at)
                key_at = at + _RECORD.size
                value_at = key_at + key_length
                if value_at + value_length > len(rest):
                    break
                at = value_at + value_length
                yield Record(rest[key_at:value_at].decode(), rest[value_at:at], created, modified, expires)
            rest = rest[at:]
        if rest:
            raise self._damaged("it ends within a record")

    def _unzipped(self) -> Iterator[bytes]:
        gzip = zlib.decompressobj(_GZIP)
        for data in self._body():
            while data:
                try:
                    out = gzip.decompress(data, _CHUNK)
                except zlib.error as error:
                    raise self._damaged(str(error)) from None
                if out:
                    yield out
                data = gzip.unconsumed_tail
        if not gzip.eof:
            raise self._damaged("it ends too early")

    def _body(self) -> Iterator[bytes]:
        """What is between header and checksum, compared with that at the end."""
        try:
            left = os.fstat(self._file.fileno()).st_size - _DIGEST
            self._file.seek(0)
            digest = hashlib.sha256()
            for _ in range(2):
                line = self._file.readline(_HEADER_MAX)
                digest.update(line)
                left -= len(line)
            while left > 0 and (data := self._file.read(min(_CHUNK, left))):
                digest.update(data)
                left -= len(data)
                yield data
            if left != 0 or self._file.read() != digest.digest():
                raise self._damaged("its checksum does not match")
        except OSError as error:
            raise SnapshotError(f"cannot read {self.path}: {error.strerror}") from error

    def _damaged(self, why: str) -> SnapshotError:
        return SnapshotError(f"{self.path} is truncated or damaged: {why}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()
