import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pynetes.kubelet import pause


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "pause"
    path.write_bytes(pause.program())
    path.chmod(0o755)
    return path


def until(condition):
    """What the condition gives as soon as it is true."""
    deadline = time.monotonic() + 60
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return value


def waits(pid):
    """Whether the program has come to where it waits for its signals: it sleeps nowhere else."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return "Name:\tpause" in status and "State:\tS (sleeping)" in status


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_waits_until_it_is_asked_to_end(program, number):
    with subprocess.Popen([program]) as process:
        until(lambda: waits(process.pid))
        process.send_signal(number)
        assert process.wait(60) == 0


@pytest.mark.root
def test_as_the_first_process_it_reaps_and_heeds_its_signals(program, tmp_path):
    orphan = (
        "import os, sys\n"
        "if os.fork(): os.execv(sys.argv[1], [sys.argv[1]])\n"
        "os.fork()\n"  # both end at once, and the second is the first process's to reap
    )
    process = subprocess.Popen(["unshare", "--pid", "--fork", sys.executable, "-c", orphan, str(program)])
    try:
        (first,) = until(lambda: [child for child in children(process.pid) if waits(child)])
        until(lambda: not children(first))
        os.kill(first, signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(("architecture", "machine"), [("amd64", 62), ("arm64", 183)])
def test_is_an_elf_of_its_machine(architecture, machine):
    content = pause.program(architecture)
    assert content[:4] == b"\x7fELF"
    assert int.from_bytes(content[18:20], "little") == machine
    assert len(content) < 400


def test_other_machines_are_told_what_to_do():
    with pytest.raises(ValueError, match="no pause program for sparc"):
        pause.program("sparc")
