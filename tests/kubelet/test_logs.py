"""Reading container logs with every option, while they grow and rotate."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from pynetes.kubelet.logs import (
    Line,
    LogError,
    LogOptions,
    container_id_for,
    fixed_timestamp,
    parse_line,
    read,
    tail_offset,
)

LINES = """2024-01-02T03:04:05.000000001Z stdout F one
2024-01-02T03:04:06.5Z stderr F two
2024-01-02T03:04:07Z stdout P thr
2024-01-02T03:04:07Z stdout F ee
2024-01-02T03:04:08.123456789+02:00 stdout F {empty}
broken line
2024-01-02T03:04:09Z stdout F last
""".format(empty="")


async def stopped() -> bool:
    return False


async def text(path: Path, **options: Any) -> str:
    pieces = [piece async for piece in read(str(path), LogOptions(**options), running=stopped)]
    return b"".join(pieces).decode()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "0.log"
    path.write_text(LINES)
    return path


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b"T stdout F a b\n", Line("T", "stdout", False, b"a b\n")),
        (b"T stderr P a\n", Line("T", "stderr", True, b"a")),
        (b"T stdout F:more a\n", Line("T", "stdout", False, b"a\n")),
        (b"T stdout F \n", Line("T", "stdout", False, b"\n")),
        (b"T other F a\n", None),
        (b"T stdout\n", None),
    ],
)
def test_parse_line(raw: bytes, line: Line | None) -> None:
    assert parse_line(raw) == line


@pytest.mark.parametrize(
    ("given", "fixed"),
    [
        ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05.000000000Z"),
        ("2024-01-02T03:04:05.5Z", "2024-01-02T03:04:05.500000000Z"),
        ("2024-01-02T03:04:05.123456789+02:00", "2024-01-02T03:04:05.123456789+02:00"),
        ("2024-01-02T03:04:05-07:00", "2024-01-02T03:04:05.000000000-07:00"),
    ],
)
def test_timestamps_have_nine_digits(given: str, fixed: str) -> None:
    assert fixed_timestamp(given) == fixed


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "one\ntwo\nthree\n\nlast\n"),
        ({"stream": "Stdout"}, "one\nthree\n\nlast\n"),
        ({"stream": "Stderr"}, "two\n"),
        ({"tail_lines": 1}, "last\n"),
        ({"tail_lines": 0}, ""),
        ({"tail_lines": 100}, "one\ntwo\nthree\n\nlast\n"),
        ({"limit_bytes": 5}, "one\nt"),
        ({"since": 1704164647.0}, "three\nlast\n"),
        ({"tail_lines": 6, "limit_bytes": 6}, "two\nth"),
        (
            {"timestamps": True, "tail_lines": 5},
            "2024-01-02T03:04:07.000000000Z three\n2024-01-02T03:04:08.123456789+02:00 \n"
            "2024-01-02T03:04:09.000000000Z last\n",
        ),
    ],
)
async def test_options(log: Path, options: dict[str, Any], expected: str) -> None:
    assert await text(log, **options) == expected


async def test_an_unfinished_last_line_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    path.write_text("2024-01-02T03:04:05Z stdout F one\n2024-01-02T03:04:05Z stdout F tw")
    assert await text(path) == "one\ntw"
    assert await text(path, tail_lines=1) == "tw"


async def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="no such file or directory"):
        await text(tmp_path / "none.log")


@pytest.mark.parametrize("ends_with_newline", [True, False])
@pytest.mark.parametrize("lines", [1, 2, 999, 1000, 1001])
def test_tails_of_long_files(tmp_path: Path, lines: int, ends_with_newline: bool) -> None:
    whole = [f"{n:05} {'x' * (n % 200)}" for n in range(1000)]
    path = tmp_path / "log"
    path.write_text("\n".join(whole) + ("\n" if ends_with_newline else ""))
    with path.open("rb") as file:
        file.seek(tail_offset(file, lines))
        assert file.read().decode().splitlines() == whole[-lines:]


class Follower:
    """Reads in the background; the container runs until told otherwise."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.seen, self.alive = b"", True
        self.changed = asyncio.Event()
        self.task = asyncio.create_task(self._read(path, LogOptions(follow=True, **options)))

    async def _read(self, path: Path, options: LogOptions) -> None:
        async def running() -> bool:
            return self.alive

        async for piece in read(str(path), options, running=running):
            self.seen += piece
            self.changed.set()

    async def until(self, expected: str) -> None:
        async with asyncio.timeout(30):
            while self.seen.decode() != expected:
                self.changed.clear()
                await self.changed.wait()

    async def end(self) -> str:
        self.alive = False
        async with asyncio.timeout(30):
            await self.task
        return self.seen.decode()


def append(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(f"2024-01-02T03:05:00Z stdout F {line}")


async def test_following_shows_new_lines_until_the_container_ends(log: Path) -> None:
    follower = Follower(log, tail_lines=1)
    await follower.until("last\n")
    append(log, "hal")
    with log.open("a") as file:
        file.write("f\n")
    await follower.until("last\nhalf\n")
    append(log, "end\n")
    assert await follower.end() == "last\nhalf\nend\n"


async def test_following_goes_on_after_a_rotation(log: Path) -> None:
    follower = Follower(log, tail_lines=1)
    await follower.until("last\n")
    append(log, "before\n")
    os.rename(log, log.with_name("0.log.1"))
    append(log.with_name("0.log.1"), "late\n")
    append(log, "after\n")
    await follower.until("last\nbefore\nlate\nafter\n")
    assert await follower.end() == "last\nbefore\nlate\nafter\n"


async def test_following_ends_at_the_byte_limit(log: Path) -> None:
    follower = Follower(log, limit_bytes=4)
    async with asyncio.timeout(30):
        await follower.task
    assert follower.seen == b"one\n"


def status(state: Any, last: Any = None, container_id: str = "containerd://now") -> dict[str, Any]:
    own = {"name": "c", "state": state, "lastState": last or {}, "containerID": container_id}
    return {"metadata": {"name": "p"}, "status": {"containerStatuses": [own]}}


ENDED = {"terminated": {"containerID": "containerd://old"}}


@pytest.mark.parametrize(
    ("pod", "previous", "expected"),
    [
        (status({"running": {}}), False, "now"),
        (status({"running": {}}, ENDED), True, "old"),
        (status(ENDED), False, "old"),
        (status({"waiting": {"reason": "CrashLoopBackOff"}}, ENDED), False, "old"),
        (status({"terminated": {}}, ENDED), False, "old"),
    ],
)
def test_whose_log_is_meant(pod: dict[str, Any], previous: bool, expected: str) -> None:
    assert container_id_for(pod, "c", previous=previous) == expected


@pytest.mark.parametrize(
    ("pod", "previous", "message"),
    [
        ({"metadata": {"name": "p"}}, False, 'container "c" in pod "p" is not available'),
        (status({"running": {}}), True, 'previous terminated container "c" in pod "p" not found'),
        (status({"terminated": {}}), False, 'container "c" in pod "p" is terminated'),
        (
            status({"waiting": {"reason": "ErrImagePull"}}),
            False,
            'container "c" in pod "p" is waiting to start: image can\'t be pulled',
        ),
        (
            status({"waiting": {"reason": "ImagePullBackOff"}}),
            False,
            'container "c" in pod "p" is waiting to start: trying and failing to pull image',
        ),
        (
            status({"waiting": {"reason": "ContainerCreating"}}),
            False,
            'container "c" in pod "p" is waiting to start: ContainerCreating',
        ),
        (status({}), False, 'container "c" in pod "p" is waiting to start - no logs yet'),
    ],
)
def test_why_there_is_no_log(pod: dict[str, Any], previous: bool, message: str) -> None:
    with pytest.raises(LogError) as caught:
        container_id_for(pod, "c", previous=previous)
    assert str(caught.value) == message
