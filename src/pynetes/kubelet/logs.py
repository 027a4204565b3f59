"""Reading container logs in the runtime's format, as `kubectl logs` asks for them.

    2016-10-06T00:17:09.669794202Z stdout F a line
    2016-10-06T00:17:09.669794203Z stderr P the first part of a long

Parts (`P`) are joined by leaving out the newline. Only the current file of an attempt is read, as upstream has it;
while following, the file that the runtime opens after a rotation takes over.
"""

import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, BinaryIO

from msgspec import Struct

from pynetes.component import clock

_CHUNK = 64 * 1024
_POLL = 0.1
_CHECK_RUNNING = 1.0


class LogOptions(Struct, frozen=True):
    """`since` is wall-clock seconds, `stream` All, Stdout or Stderr."""

    tail_lines: int | None = None
    limit_bytes: int | None = None
    since: float | None = None
    follow: bool = False
    timestamps: bool = False
    stream: str = "All"


class Line(Struct, frozen=True):
    timestamp: str
    stream: str
    partial: bool
    #: With its newline, unless it is a part.
    content: bytes


class LogError(Exception):
    """There is no log to show; the text is the answer to the client."""


def parse_line(raw: bytes) -> Line | None:
    """None for what does not have the format (upstream skips such lines)."""
    parts = raw.split(b" ", 3)
    if len(parts) < 4 or parts[1] not in (b"stdout", b"stderr"):
        return None
    partial = parts[2].split(b":")[0] == b"P"
    content = parts[3].removesuffix(b"\n") if partial else parts[3]
    return Line(parts[0].decode(errors="replace"), parts[1].decode(), partial, content)


def fixed_timestamp(text: str) -> str:
    """With nine digits of a second, so that lines align."""
    head, dot, rest = text.partition(".")
    if not dot:
        at = next((i for i, c in enumerate(head) if i > 10 and c in "Z+-"), len(head))
        return f"{head[:at]}.000000000{head[at:]}"
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return f"{head}.{rest[:digits][:9].ljust(9, '0')}{rest[digits:]}"


def _seconds(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0


class _Formatter:
    """Applies the options line by line. Pure: bytes in, bytes out."""

    def __init__(self, options: LogOptions) -> None:
        self._options = options
        self._wanted = {"Stdout": "stdout", "Stderr": "stderr"}.get(options.stream)
        self._remaining = options.limit_bytes
        self._at_line_start = True

    @property
    def full(self) -> bool:
        """The byte limit is reached."""
        return self._remaining is not None and self._remaining <= 0

    def format(self, raw: bytes) -> bytes:
        line = parse_line(raw)
        if line is None:
            return b""
        starts_line, self._at_line_start = self._at_line_start, not line.content or line.content.endswith(b"\n")
        if self._options.since is not None and _seconds(line.timestamp) < self._options.since:
            return b""
        if self._wanted is not None and line.stream != self._wanted:
            return b""
        out = line.content
        if self._options.timestamps and starts_line:
            out = fixed_timestamp(line.timestamp).encode() + b" " + out
        if self._remaining is not None:
            out = out[: self._remaining]
            self._remaining -= len(out)
        return out


def tail_offset(file: BinaryIO, lines: int) -> int:
    """Where the last `lines` lines begin; an unfinished line at the end counts as one."""
    size = file.seek(0, os.SEEK_END)
    if lines == 0:
        return size
    position, found, first = size, 0, True
    while position > 0:
        step = min(_CHUNK, position)
        position -= step
        file.seek(position)
        block = file.read(step)
        end = len(block)
        if first:
            first = False
            end -= block.endswith(b"\n")
        while (at := block.rfind(b"\n", 0, end)) >= 0:
            found += 1
            if found == lines:
                return position + at + 1
            end = at
    return 0


async def read(path: str, options: LogOptions, *, running: Callable[[], Awaitable[bool]]) -> AsyncIterator[bytes]:
    """The log's text in pieces. `running` tells whether the container still runs, which ends following when it does
    not. Raises LogError if there is no such file."""
    reader = _Reader(_open(path), path, options)
    try:
        async for piece in reader.pieces(running):
            yield piece
    finally:
        reader.close()


def _open(path: str) -> BinaryIO:
    try:
        return open(path, "rb", buffering=0)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise LogError(f'failed to try resolving symlinks in path "{path}": lstat {path}: {reason}') from None


class _Reader:
    def __init__(self, file: BinaryIO, path: str, options: LogOptions) -> None:
        self._file, self._path, self._options = file, path, options
        self._formatter = _Formatter(options)
        self._rest = b""
        self._lines_left = None if options.follow else options.tail_lines
        if options.tail_lines is not None:
            file.seek(tail_offset(file, options.tail_lines))

    def close(self) -> None:
        self._file.close()

    async def pieces(self, running: Callable[[], Awaitable[bool]]) -> AsyncIterator[bytes]:
        async for piece in self._available(last=not self._options.follow):
            yield piece
        alive = self._options.follow
        while alive and not self._finished:
            alive = await self._wait(running)
            async for piece in self._available(last=not alive):
                yield piece
            if self._reopen():
                async for piece in self._available(last=not alive):
                    yield piece

    @property
    def _finished(self) -> bool:
        return self._formatter.full or self._lines_left == 0

    async def _available(self, *, last: bool) -> AsyncIterator[bytes]:
        """What the file holds from here on; `last` takes an unfinished line too."""
        while not self._finished:
            block = self._file.read(_CHUNK)
            if not block:
                break
            *lines, self._rest = (self._rest + block).split(b"\n")
            if piece := self._format(line + b"\n" for line in lines):
                yield piece
                await clock.sleep(0)  # a turn for others while a long log is sent
        if last and self._rest and not self._finished:
            rest, self._rest = self._rest, b""
            if piece := self._format((rest,)):
                yield piece

    def _format(self, lines: Any) -> bytes:
        out = []
        for line in lines:
            if self._finished:
                break
            out.append(self._formatter.format(line))
            if self._lines_left is not None:
                self._lines_left -= 1
        return b"".join(out)

    async def _wait(self, running: Callable[[], Awaitable[bool]]) -> bool:
        """Until there is more to read (true), or the container has ended (false)."""
        deadline = clock.monotonic() + _CHECK_RUNNING
        while True:
            if self._has_more():
                return True
            if clock.monotonic() >= deadline:
                if not await running():
                    return False
                deadline = clock.monotonic() + _CHECK_RUNNING
            await clock.sleep(_POLL)

    def _has_more(self) -> bool:
        if os.fstat(self._file.fileno()).st_size > self._file.tell():
            return True
        return self._is_rotated()

    def _is_rotated(self) -> bool:
        with contextlib.suppress(FileNotFoundError):
            there, ours = os.stat(self._path), os.fstat(self._file.fileno())
            return (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino)
        return False

    def _reopen(self) -> bool:
        """Turns to the new file after a rotation, when the old one is read to its end."""
        if not self._is_rotated() or os.fstat(self._file.fileno()).st_size > self._file.tell():
            return False
        self._file.close()
        self._file, self._rest = _open(self._path), b""
        return True


def container_id_for(pod: Mapping[str, Any], container: str, *, previous: bool) -> str:
    """Whose log is meant, by the pod's status: the container's id without its scheme. Raises LogError."""
    name, status = pod["metadata"]["name"], _container_status(pod, container)
    if status is None:
        raise LogError(f'container "{container}" in pod "{name}" is not available')
    state, last = status.get("state") or {}, (status.get("lastState") or {}).get("terminated")
    last_id = (last or {}).get("containerID") or ""
    if previous:
        if not last_id:
            raise LogError(f'previous terminated container "{container}" in pod "{name}" not found')
        return _bare(last_id)
    if "running" in state:
        return _bare(status.get("containerID") or "")
    if "terminated" in state or last is not None:
        found = (state.get("terminated") or {}).get("containerID") or last_id
        if not found:
            raise LogError(f'container "{container}" in pod "{name}" is terminated')
        return _bare(found)
    raise LogError(_waiting(container, name, (state.get("waiting") or {}).get("reason")))


def _waiting(container: str, pod: str, reason: str | None) -> str:
    text = f'container "{container}" in pod "{pod}" is waiting to start'
    match reason:
        case "ErrImagePull":
            return f"{text}: image can't be pulled"
        case "ImagePullBackOff":
            return f"{text}: trying and failing to pull image"
        case None:
            return f"{text} - no logs yet"
    return f"{text}: {reason}"


def _container_status(pod: Mapping[str, Any], container: str) -> Mapping[str, Any] | None:
    status = pod.get("status") or {}
    for field in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for found in status.get(field) or ():
            if found["name"] == container:
                return found  # type: ignore[no-any-return]
    return None


def _bare(container_id: str) -> str:
    """`containerd://abc` → `abc`."""
    return container_id.partition("://")[2] or container_id
