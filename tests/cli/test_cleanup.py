"""`down` ends the shims of its own cluster, and of no other that has the same paths somewhere else; and its cgroups."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pynetes.cli import cleanup
from pynetes.cli.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "data", tmp_path / "run")


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def shim(layout: Layout, *prefix: str) -> subprocess.Popen[bytes]:
    """A process with a shim's command line; it has said something when it is there."""
    script = f'exec -a containerd-shim sh -c "echo; read forever" sh -address "{layout.containerd_socket}"'
    process = subprocess.Popen(
        [*prefix, "bash", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_shims_are_known_by_their_containerd(layout: Layout, started: list[subprocess.Popen[bytes]]) -> None:
    own = shim(layout)
    other = shim(Layout(layout.data, layout.run / "other"))
    started += [own, other]
    assert list(cleanup.shims_of(layout)) == [own.pid]


@pytest.mark.root
def test_shims_in_a_hosts_pid_namespace_are_not_the_machines(
    layout: Layout, started: list[subprocess.Popen[bytes]]
) -> None:
    started.append(shim(layout, "unshare", "--pid", "--fork"))
    assert list(cleanup.shims_of(layout)) == []


@pytest.mark.root
def test_cgroups_go_with_what_runs_in_them() -> None:
    """Whichever process was missed before, or takes its time to end."""
    name = f"pynetes-test-cleanup-{os.getpid()}"
    hierarchy = next(each for each in (Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup")) if each.is_dir())
    pod = hierarchy / name / "pod"
    pod.mkdir(parents=True)
    with subprocess.Popen(["sleep", "600"]) as process:
        (pod / "cgroup.procs").write_text(str(process.pid))
        removed = cleanup.remove_cgroups(f"/{name}")
        assert process.wait(60) == -signal.SIGKILL
    assert removed == 2
    assert not pod.parent.exists()
