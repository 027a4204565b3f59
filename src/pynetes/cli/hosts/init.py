"""A host's first process: runs the command that makes the host part of its cluster, then reaps until it is told to end.

With it ends everything in its PID namespace. SIGTERM shuts the host down in order; SIGKILL, from the machine, is a
power cut.
"""

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence

import setproctitle

from pynetes.cli import supervisor
from pynetes.cli.layout import DEFAULT_RUN, Layout
from pynetes.component import clock

_SIGNALS = (signal.SIGCHLD, signal.SIGTERM)
_SHUTDOWN_SECONDS = 60.0


def run(name: str, arguments: Sequence[str], told: Callable[[int], None]) -> None:
    """Runs `pynetes ARGUMENTS`; `told` hears its exit code. Returns when the host is to go: the command has failed, or
    somebody has asked."""
    setproctitle.setproctitle(f"pynetes host {name}")
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    command = _start(arguments)
    while True:
        received = signal.sigwait(_SIGNALS)
        code = _reap(command)
        if code is not None:
            command = 0
            told(code)
            if code:
                return
        if received == signal.SIGTERM:
            _shut_down(command)
            return


def _start(arguments: Sequence[str]) -> int:
    """The command in a fork, which has everything imported already; its pid."""
    from pynetes.cli.main import main

    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        main(list(arguments), prog_name="pynetes")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _reap(command: int) -> int | None:
    """Collects every ended process; the exit code of the command if it was among them."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        if pid == command:
            code = os.waitstatus_to_exitcode(status)
            found = code if code >= 0 else 128 - code


def _shut_down(command: int) -> None:
    """Ends the supervisor and what it supervises, which store what they hold; the rest ends with this process."""
    if command:
        os.kill(command, signal.SIGKILL)
    pid_file = Layout(run=DEFAULT_RUN).supervisor_pid
    pid = supervisor.running_pid(pid_file)
    if pid is None:
        return
    with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
        os.kill(pid, signal.SIGTERM)
    deadline = clock.monotonic() + _SHUTDOWN_SECONDS
    while supervisor.running_pid(pid_file) == pid and clock.monotonic() < deadline:
        signal.sigtimedwait((signal.SIGCHLD,), 0.5)
        _reap(0)
