import os
import signal
import subprocess
import sys

import pytest

from pynetes.kubelet import pause


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "pause"
    path.write_bytes(pause.program())
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_waits_until_it_is_asked_to_end(program, number):
    process = subprocess.Popen([program])
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.1)
    process.send_signal(number)
    assert process.wait(5) == 0


@pytest.mark.root
def test_as_the_first_process_it_reaps_and_heeds_its_signals(program, tmp_path):
    orphan = (
        "import os, sys\n"
        "if os.fork(): os.execv(sys.argv[1], [sys.argv[1]])\n"
        "os.fork()\n"  # both end at once, and the second is the first process's to reap
    )
    process = subprocess.Popen(["unshare", "--pid", "--fork", sys.executable, "-c", orphan, str(program)])
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()
        assert len(children) == 1
        left = subprocess.run(["pgrep", "-P", children[0]], capture_output=True, text=True).stdout.split()
        assert left == []
        os.kill(int(children[0]), signal.SIGTERM)
        assert process.wait(5) == 0
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
