"""Runs one process a component, restarts what dies, stops all in order.

The supervisor is a small synchronous process without threads or event loop, so that it can fork: it imports a
component's modules before it forks it, so that a component that comes again starts in milliseconds, and all share
those pages of memory. The first one is on its way while the next one's modules are imported. A component written in
another language is a command that is executed instead.

Children die with the supervisor (PR_SET_PDEATHSIG); containers do not: their shims are nobody's children but init's.
"""

import ctypes
import gc
import importlib
import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import setproctitle
from msgspec import Struct, field

from pynetes.component import clock

log = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

_TITLE = "pynetes supervisor"

#: A process that ran this long is healthy: its back-off begins anew.
HEALTHY_AFTER = 30.0
BACKOFF_FIRST, BACKOFF_MAX = 0.2, 10.0


class Process(Struct, frozen=True):
    """One supervised process: `main` runs in a fork, or `command` is executed.

    `modules` are imported before the fork; `stop_seconds` is how long it may take to end after SIGTERM before it is
    killed.
    """

    name: str
    log: Path
    main: Callable[[], None] | None = None
    command: Sequence[str] = ()
    modules: Sequence[str] = ()
    stop_seconds: float = 10.0


class _Child(Struct):
    process: Process
    pid: int = 0
    started: float = 0.0
    restarts: int = -1
    backoff: float = BACKOFF_FIRST
    start_at: float = 0.0
    last_exit: str = ""


class Supervisor(Struct):
    """Supervises `processes`, started in this order and stopped in reverse. Publishes its state as JSON in `state`."""

    processes: Sequence[Process]
    state: Path
    settings: dict[str, object] = field(default_factory=dict)
    _children: list[_Child] = field(default_factory=list)
    _stopping: bool = False

    def run(self) -> None:
        """Supervises until SIGTERM or SIGINT; returns when all processes have ended."""
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        self._children = [_Child(process) for process in self.processes]
        try:
            while not self._stopping:
                self._start_due()
                self._wait(self._next_start())
        finally:
            self._stop_all()
            self.state.unlink(missing_ok=True)

    def _start_due(self) -> None:
        changed = False
        for child in self._children:
            if child.pid == 0 and child.start_at <= clock.monotonic():
                self._start(child)
                changed = True
        if changed:
            self._publish()

    def _next_start(self) -> float:
        waiting = [child.start_at for child in self._children if child.pid == 0]
        return max(0.0, min(waiting) - clock.monotonic()) if waiting else 3600.0

    def _wait(self, seconds: float) -> None:
        received = signal.sigtimedwait(_SIGNALS, seconds)
        if received is None:
            return
        if received.si_signo in (signal.SIGTERM, signal.SIGINT):
            self._stopping = True
        self._reap()

    def _reap(self) -> None:
        """Collects every ended process, those inherited from dead components too."""
        changed = False
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            for child in self._children:
                if child.pid == pid:
                    self._ended(child, status)
                    changed = True
        if changed:
            self._publish()

    def _ended(self, child: _Child, status: int) -> None:
        code = os.waitstatus_to_exitcode(status)
        child.last_exit = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        ran = clock.monotonic() - child.started
        child.backoff = BACKOFF_FIRST if ran > HEALTHY_AFTER else min(child.backoff * 2, BACKOFF_MAX)
        child.pid, child.start_at = 0, clock.monotonic() + child.backoff
        if not self._stopping:
            log.warning("%s ended (%s), starts again in %.1f s", child.process.name, child.last_exit, child.backoff)

    def _start(self, child: _Child) -> None:
        for module in child.process.modules:
            importlib.import_module(module)
        gc.collect()
        gc.freeze()  # shared pages stay shared: the collector does not touch what was loaded before the fork
        child.restarts += 1
        child.started = clock.monotonic()
        supervisor = os.getpid()
        pid = os.fork()
        if pid == 0:
            _run_child(child.process, supervisor)
        child.pid = pid
        log.info("%s started (pid %d)", child.process.name, pid)

    def _stop_all(self) -> None:
        for child in reversed(self._children):
            if child.pid:
                _signal(child.pid, signal.SIGTERM)
                self._await_end(child)
        log.info("all processes have ended")

    def _await_end(self, child: _Child) -> None:
        deadline = clock.monotonic() + child.process.stop_seconds
        while child.pid:
            left = deadline - clock.monotonic()
            if left <= 0:
                log.warning("%s did not end in %.0f s and is killed", child.process.name, child.process.stop_seconds)
                _signal(child.pid, signal.SIGKILL)
                deadline = clock.monotonic() + 3600
                continue
            signal.sigtimedwait((signal.SIGCHLD,), left)
            self._reap()

    def _publish(self) -> None:
        entries = {
            child.process.name: {
                "pid": child.pid,
                "restarts": max(child.restarts, 0),
                "lastExit": child.last_exit,
                "log": str(child.process.log),
            }
            for child in self._children
        }
        text = json.dumps({"pid": os.getpid(), "settings": self.settings, "processes": entries}, indent=1)
        temporary = self.state.with_suffix(".tmp")
        temporary.write_text(text)
        temporary.replace(self.state)


def read_state(path: Path) -> dict[str, dict[str, Any]]:
    """What a supervisor has published of its processes, by name; nothing if there is none."""
    try:
        processes: dict[str, dict[str, Any]] = json.loads(path.read_text())["processes"]
    except FileNotFoundError:
        return {}
    return processes


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        log.debug("process %d is gone already", pid)


def _prctl(option: int, argument: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, argument, 0, 0, 0)


def _run_child(process: Process, supervisor: int) -> NoReturn:
    """In the fork: its own session, its own log, dies with the supervisor. Never returns to the caller's frames."""
    code = 1
    try:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != supervisor:  # it died before the line above
            os._exit(1)
        os.setsid()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        redirect_output(process.log)
        if process.main is None:
            os.execvp(process.command[0], list(process.command))
        setproctitle.setproctitle(f"pynetes {process.name}")
        process.main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def redirect_output(path: Path) -> None:
    """Standard input from nowhere, output and errors appended to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    output = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    os.dup2(nowhere, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdout, sys.stderr = (os.fdopen(fd, "w", buffering=1, closefd=False) for fd in (1, 2))


def daemonize(main: Callable[[], None], *, log_file: Path, pid_file: Path) -> int:
    """Runs `main` in a process of its own session, detached from the caller's terminal. Returns its pid.

    The caller must have no threads and no running event loop.
    """
    # What has had threads is finalised here: in the child it would wait for threads that no fork carries along.
    gc.collect()
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setsid()
            if os.fork() != 0:
                os._exit(0)
            os.close(read_end)
            os.chdir("/")
            redirect_output(log_file)
            setproctitle.setproctitle(_TITLE)
            pid_file.write_text(str(os.getpid()))
            os.write(write_end, str(os.getpid()).encode())  # from now on `running_pid` finds it
            os.close(write_end)
            main()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            pid_file.unlink(missing_ok=True)
            os._exit(code)
    os.close(write_end)
    daemon = int(os.read(read_end, 32))
    os.close(read_end)
    os.waitpid(pid, 0)
    return daemon


def running_pid(pid_file: Path) -> int | None:
    """The supervisor's pid if it is alive."""
    try:
        pid = int(pid_file.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return pid if is_supervisor(pid) else None


def is_supervisor(pid: int) -> bool:
    """Not if it has ended, and another process has its pid by now."""
    try:
        return _TITLE.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
