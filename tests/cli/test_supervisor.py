"""The supervisor restarts what dies, stops in reverse order, and takes its children along when it dies."""

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pynetes.cli import supervisor
from pynetes.cli.supervisor import Process, Supervisor


def _until(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError, KeyError):
            if value := condition():
                return value
        time.sleep(0.01)
    raise AssertionError("the condition did not come true")


def _alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


class Running:
    def __init__(self, directory: Path, processes: list[Process]) -> None:
        self.state = directory / "state.json"
        self.pid_file = directory / "pid"
        run = Supervisor(processes, self.state).run
        self.pid = supervisor.daemonize(run, log_file=directory / "supervisor.log", pid_file=self.pid_file)

    def entry(self, name: str) -> dict[str, Any]:
        entry: dict[str, Any] = json.loads(self.state.read_text())["processes"][name]
        return entry

    def child(self, name: str) -> int:
        return int(_until(lambda: self.entry(name)["pid"]))

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        _until(lambda: not _alive(self.pid))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    running: list[Running] = []

    def _start(*processes: Process) -> Running:
        running.append(Running(tmp_path, list(processes)))
        return running[-1]

    yield _start
    for one in running:
        one.stop()


def _sleeper(name: str, directory: Path) -> Process:
    return Process(name, directory / f"{name}.log", command=("sleep", "600"))


def test_a_killed_process_is_started_again(start: Callable[..., Running], tmp_path: Path) -> None:
    running = start(_sleeper("one", tmp_path), _sleeper("two", tmp_path))
    first, other = running.child("one"), running.child("two")
    os.kill(first, signal.SIGKILL)
    again = _until(lambda: running.entry("one")["pid"] not in (0, first) and running.entry("one"))
    assert again["restarts"] == 1
    assert again["lastExit"] == "signal SIGKILL"
    assert running.child("two") == other


def test_processes_stop_in_reverse_order(start: Callable[..., Running], tmp_path: Path) -> None:
    order = tmp_path / "order"

    def waiting(name: str) -> Callable[[], None]:
        def main() -> None:
            def ended(*_: object) -> None:
                with order.open("a") as out:
                    out.write(name + "\n")
                raise SystemExit(0)

            signal.signal(signal.SIGTERM, ended)
            (tmp_path / f"{name}.ready").touch()
            while True:
                time.sleep(0.05)  # a signal that comes just before a pause would not end it

        return main

    running = start(*(Process(n, tmp_path / f"{n}.log", main=waiting(n)) for n in ("first", "second", "third")))
    for name in ("first", "second", "third"):
        _until((tmp_path / f"{name}.ready").exists)
    running.stop()
    assert order.read_text().split() == ["third", "second", "first"]
    assert not running.state.exists()
    assert not running.pid_file.exists()


def test_a_process_that_ignores_the_request_to_end_is_killed(start: Callable[..., Running], tmp_path: Path) -> None:
    def deaf() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        (tmp_path / "ready").touch()
        while True:
            signal.pause()

    running = start(Process("deaf", tmp_path / "deaf.log", main=deaf, stop_seconds=0.2))
    _until((tmp_path / "ready").exists)
    pid = running.child("deaf")
    running.stop()
    assert not _alive(pid)


def test_children_die_with_a_killed_supervisor(start: Callable[..., Running], tmp_path: Path) -> None:
    running = start(_sleeper("one", tmp_path))
    child = running.child("one")
    assert supervisor.running_pid(running.pid_file) == running.pid
    os.kill(running.pid, signal.SIGKILL)
    _until(lambda: not _alive(child))
    assert supervisor.running_pid(running.pid_file) is None


def test_the_error_of_a_component_is_in_its_log(start: Callable[..., Running], tmp_path: Path) -> None:
    def broken() -> None:
        raise ValueError("the reason")

    running = start(Process("broken", tmp_path / "broken.log", main=broken))
    _until(lambda: running.entry("broken")["restarts"] >= 1)
    assert "ValueError: the reason" in (tmp_path / "broken.log").read_text()


def test_modules_are_imported_before_the_fork_and_no_earlier(
    start: Callable[..., Running], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "heavy_of_one.py").touch()
    (tmp_path / "heavy_of_two.py").touch()

    def seen(name: str) -> Callable[[], None]:
        def main() -> None:
            (tmp_path / name).write_text(" ".join(sorted(m for m in sys.modules if m.startswith("heavy_of_"))))
            (tmp_path / f"{name}.ready").touch()
            while True:
                signal.pause()

        return main

    start(
        Process("one", tmp_path / "one.log", main=seen("one"), modules=("heavy_of_one",)),
        Process("two", tmp_path / "two.log", main=seen("two"), modules=("heavy_of_two",)),
    )
    for name in ("one", "two"):
        _until((tmp_path / f"{name}.ready").exists)
    assert (tmp_path / "one").read_text() == "heavy_of_one"
    assert (tmp_path / "two").read_text() == "heavy_of_one heavy_of_two"
