"""Waiting for a cluster that cannot come is cut short, and the reason told."""

import json
import os
from pathlib import Path

import pytest

from pynetes.cli import down, mountns, supervisor, up
from pynetes.cli.layout import Layout
from pynetes.cli.readiness import NotReady
from pynetes.cli.settings import Settings

#: The pid of no process: no kernel's go so far.
NOBODY = 2**22 + 1


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """One whose supervisor runs."""
    made = Layout(tmp_path / "data", tmp_path / "run")
    made.make()
    monkeypatch.setattr(supervisor, "running_pid", lambda pid_file: 1)
    return made


def publish(layout: Layout, restarts: int) -> None:
    log = layout.logs / "apiserver.log"
    log.write_text("earlier\ncannot open the store: database disk image is malformed\n")
    entry = {"pid": 0, "restarts": restarts, "lastExit": "exit code 1", "log": str(log)}
    layout.supervisor_state.write_text(json.dumps({"settings": {}, "processes": {"apiserver": entry}}))


async def _not_yet() -> str:
    return "not yet"


async def test_a_process_that_was_restarted_may_still_come(layout: Layout) -> None:
    assert await up._alive(layout, _not_yet) == "not yet"
    publish(layout, restarts=1)
    assert await up._alive(layout, _not_yet) == "not yet"


async def test_a_process_that_ends_whenever_it_starts_is_told_with_its_last_words(layout: Layout) -> None:
    publish(layout, restarts=up.HOPELESS_AFTER)
    with pytest.raises(NotReady, match=r"apiserver ends whenever .*\(exit code 1\):\ncannot open the store"):
        await up._alive(layout, _not_yet)


def test_a_damaged_authority_stops_the_start_before_anything_runs(layout: Layout) -> None:
    settings = Settings("one", "127.0.0.1")
    up._write_files(layout, settings)
    (layout.pki / "ca.crt").write_text("-----BEGIN CERT")
    with pytest.raises(up.UpError, match=r"ca.crt: not a PEM file, or a damaged one: restore the file, or .*purge"):
        up._write_files(layout, settings)


def test_a_supervisor_that_ends_while_it_is_asked_to_has_ended(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "running_pid", lambda pid_file: NOBODY)
    assert up.stop_supervisor(layout) == NOBODY
    assert down._wait_for_end(NOBODY)


def test_another_process_with_its_pid_is_no_supervisor_to_wait_for() -> None:
    assert down._wait_for_end(os.getpid())


@pytest.mark.root
def test_a_pod_that_ends_while_a_cluster_starts_does_not_stop_it(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mountns, "shims_of", lambda layout: [NOBODY])
    before = os.readlink("/proc/self/ns/mnt")
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            mountns.enter(layout)
            code = 0 if os.readlink("/proc/self/ns/mnt") != before else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
