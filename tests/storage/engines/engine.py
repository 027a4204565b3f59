"""A server process: started, found ready, killed with all its children, removed with its data."""

import abc
import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.ports import free_port

_READY_SECONDS = 120.0
_POLL = 0.01


class Engine(abc.ABC):
    """Base of the engines. `port` stays the same over restarts, and so do the data."""

    name = ""
    user = ""
    """Runs as this user where the tests run as root; empty: as whoever runs the tests."""

    def __init__(self, parent: Path | None = None) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix=f"pynetes-{self.name}-", dir=parent))
        self.directory.chmod(0o755)
        self.data = self.directory / "data"
        self.port = free_port()
        self.options: list[str] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._number = 0

    # --- what an engine says about itself

    def install(self) -> None:  # noqa: B027 (most have nothing to do)
        """Fills the data directory before the first start."""

    @abc.abstractmethod
    def command(self) -> Sequence[str]: ...

    def is_ready(self) -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        return False

    @abc.abstractmethod
    def empty(self) -> str: ...

    # --- life

    def start(self) -> None:
        if not self.data.exists():
            self.data.mkdir(mode=0o700)
            if self._as_user():
                shutil.chown(self.data, self.user)
            self.install()
        with open(self.directory / "log", "ab") as log:
            self._process = subprocess.Popen(
                [*self._as_user(), *self.command(), *self.options], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + _READY_SECONDS
        while not self.is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not start:\n{self.log()}")
            time.sleep(_POLL)

    def run(self, *command: str, text: str = "") -> str:
        """Runs a command as the engine's user; its output."""
        done = subprocess.run(
            [*self._as_user(), *command], input=text, capture_output=True, text=True, cwd=self.directory
        )
        if done.returncode:
            raise RuntimeError(f"{command} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    @staticmethod
    def succeeds(*command: str) -> bool:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def _as_user(self) -> list[str]:
        if os.geteuid() or not self.user:
            return []
        return ["setpriv", f"--reuid={self.user}", f"--regid={pwd.getpwnam(self.user).pw_gid}", "--clear-groups"]

    def log(self) -> str:
        return (self.directory / "log").read_text(errors="replace")[-4000:]

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """Kills the server and its children at once, and waits until they are gone."""
        if self._process is None:
            return
        children = _children(self._process.pid)
        self._process.send_signal(signal.SIGKILL)
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self._process.wait()
        self._process = None
        while any(Path(f"/proc/{child}/cmdline").exists() and _state(child) != "Z" for child in children):
            time.sleep(_POLL)

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.directory)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _state(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return "Z"
