"""Rotation of container logs."""

import asyncio
import gzip
from pathlib import Path
from typing import Any

import grpc
import pytest

from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.cri.channel import CRIError
from pynetes.kubelet.log_rotation import LogRotation, Plan, Policy, plan


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], Plan([], [])),
        (["l.1"], Plan([], ["l.1"])),
        (["l.1.gz", "l.2"], Plan([], ["l.2"])),
        (["l.1.gz", "l.2.gz", "l.3.gz", "l.4"], Plan(["l.1.gz"], ["l.4"])),
        (["l.1.tmp", "l.2", "l.2.gz"], Plan(["l.1.tmp", "l.2"], [])),
    ],
)
def test_plan(names: list[str], expected: Plan) -> None:
    assert plan(names, 5) == expected


@pytest.mark.parametrize(("size", "files"), [("-1", 5), ("10Mi", 1), ("many", 5)])
def test_impossible_policies(size: str, files: int) -> None:
    with pytest.raises(ValueError):
        Policy.of(size, files)


class Runtime:
    """One running container that writes to `path`."""

    def __init__(self, path: Path) -> None:
        self.path, self.refuse = path, False

    async def list_containers(self, filter_: Any) -> list[pb.Container]:
        return [pb.Container(id="c1")]

    async def container_status(self, container_id: str) -> pb.ContainerStatusResponse:
        return pb.ContainerStatusResponse(status=pb.ContainerStatus(log_path=str(self.path)))

    async def reopen_container_log(self, container_id: str) -> None:
        if self.refuse:
            raise CRIError("ReopenContainerLog", grpc.StatusCode.UNKNOWN, "no")
        self.path.touch()


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime(tmp_path / "0.log")


def rotation(runtime: Runtime, size: int = 10, files: int = 3) -> LogRotation:
    return LogRotation(runtime, Policy(size, files))  # type: ignore[arg-type]


def others(path: Path) -> list[str]:
    return sorted(p.name for p in path.parent.iterdir() if p != path)


async def test_small_logs_stay(runtime: Runtime) -> None:
    runtime.path.write_text("small")
    await rotation(runtime).rotate_all()
    assert others(runtime.path) == []


async def test_large_logs_are_renamed_then_compressed_then_removed(runtime: Runtime) -> None:
    manager = rotation(runtime)
    for number in range(1, 5):
        runtime.path.write_text(f"content {number} " * 10)
        for old in runtime.path.parent.glob("0.log.2*"):
            # A second per rotation, without waiting for it.
            year = int(old.name[6:10]) - 1
            old.rename(old.with_name(f"0.log.{year}{old.name[10:]}"))
        await manager.rotate_all()
        assert runtime.path.read_text() == ""
    names = others(runtime.path)
    assert len(names) == 2, "with the one in use, three"
    assert names[0].endswith(".gz")
    with gzip.open(runtime.path.with_name(names[0])) as file:
        assert file.read().startswith(b"content 3")
    assert runtime.path.with_name(names[1]).read_text().startswith("content 4")


async def test_a_runtime_that_does_not_reopen_keeps_its_file(runtime: Runtime) -> None:
    runtime.path.write_text("x" * 100)
    runtime.refuse = True
    await rotation(runtime).rotate_all()
    assert runtime.path.read_text() == "x" * 100
    assert others(runtime.path) == []


async def test_a_lost_log_is_opened_again(runtime: Runtime) -> None:
    await rotation(runtime).rotate_all()
    assert runtime.path.exists()


async def test_as_many_logs_at_a_time_as_there_are_workers(tmp_path: Path) -> None:
    class Both(Runtime):
        """Answers about one container only when the other is asked about, too."""

        asked = asyncio.Barrier(2)

        async def list_containers(self, filter_: Any) -> list[pb.Container]:
            return [pb.Container(id="c1"), pb.Container(id="c2")]

        async def container_status(self, container_id: str) -> pb.ContainerStatusResponse:
            await self.asked.wait()
            return await super().container_status(container_id)

    runtime = Both(tmp_path / "0.log")
    runtime.path.write_text("short")
    rotating = LogRotation(runtime, Policy(10, 3), workers=2)  # type: ignore[arg-type]
    async with asyncio.timeout(30):
        await rotating.rotate_all()
    assert runtime.path.read_text() == "short"
