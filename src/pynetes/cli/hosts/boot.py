"""Boots hosts: out of a fork of this process, which has imported what the host's processes need.

The caller must have one thread and no running event loop. A host goes on booting if its caller ends.
"""

import contextlib
import os
import select
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from msgspec import Struct
from pyroute2 import NetlinkError

from pynetes.cli import supervisor
from pynetes.cli.hosts import init, isolation, network, places, power
from pynetes.cli.hosts.places import Places
from pynetes.cli.hosts.plan import Host, HostError, Plan
from pynetes.cli.layout import Layout
from pynetes.component import clock

#: Longer than any command of a host waits by itself.
BOOT_SECONDS = 400.0
_PLUGGED = b"+"


class Boot(Struct):
    """A host that boots: `descriptor` becomes readable when its command has ended."""

    host: Host
    places: Places
    descriptor: int
    code: int | None = None

    def hear(self) -> None:
        """Reads the command's exit code; -1 if the host went off before it had one."""
        said = os.read(self.descriptor, 1)
        os.close(self.descriptor)
        self.code = said[0] if said else -1

    @property
    def last_line(self) -> str:
        lines = last_lines(self.places.console, 1)
        return lines[0] if lines else ""

    def problem(self) -> str:
        """What to tell of a boot that failed."""
        how = "was switched off while it booted" if self.code == -1 else f"did not boot (exit code {self.code})"
        said = "\n".join(f"  {line}" for line in last_lines(self.places.console, 8))
        return f"{self.host.name} {how}:\n{said}\nIts logs: {self.places.console} and {self.places.layout.logs}."


def boot(layout: Layout, plan: Plan, host: Host, arguments: Sequence[str]) -> Boot:
    """Switches a host on, which runs `pynetes ARGUMENTS`."""
    own = places.of(layout, host.name)
    own.var.mkdir(parents=True, exist_ok=True)
    if own.console.exists():
        own.console.replace(own.console.with_suffix(".previous.log"))
    own.console.touch(mode=0o640)
    told, tell = os.pipe()
    plugged, plug = os.pipe()
    born, bear = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become(plan, host, arguments, own, tell, plugged, bear)
    for descriptor in (tell, plugged, bear):
        os.close(descriptor)
    first = os.read(born, 32)
    os.close(born)
    os.waitpid(pid, 0)
    made = Boot(host, own, told)
    if first:
        power.note(layout, host.name, int(first))
        network.plug(host, int(first))
        os.write(plug, _PLUGGED)
    os.close(plug)
    return made


def _become(plan: Plan, host: Host, arguments: Sequence[str], own: Places, tell: int, plugged: int, bear: int) -> None:
    """In the fork: makes the host's first process, which never returns."""
    try:
        os.setsid()
        _close_all_but(tell, plugged, bear)
        supervisor.redirect_output(own.console)
        os.chdir("/")
        isolation.leave_machine()
        pid = os.fork()
        if pid == 0:
            os.close(bear)
            if os.read(plugged, 1) == _PLUGGED:
                os.close(plugged)
                isolation.furnish(host.name, own)
                network.configure_host(host, plan)
                init.run(host.name, arguments, lambda code: _tell(tell, code))
        else:
            os.write(bear, str(pid).encode())
    except (OSError, NetlinkError) as error:
        print(f"Error: {error}", flush=True)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def _tell(descriptor: int, code: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody listens any more
        os.write(descriptor, bytes([code & 0xFF]))
    os.close(descriptor)


def _close_all_but(*kept: int) -> None:
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in kept:
            with contextlib.suppress(OSError):  # the listing's own is gone already
                os.close(int(name))


def wait(boots: Iterable[Boot], note: Callable[[str], None]) -> None:
    """Until all commands have ended; HostError with what those that failed have said."""
    waiting = {boot.descriptor: boot for boot in boots}
    all_boots = list(waiting.values())
    deadline = clock.monotonic() + BOOT_SECONDS
    while waiting and clock.monotonic() < deadline:
        readable, _, _ = select.select(list(waiting), [], [], 0.2)
        for descriptor in readable:
            waiting.pop(descriptor).hear()
        if waiting:
            note(", ".join(f"{boot.host.name}: {boot.last_line}" for boot in waiting.values()))
    problems = [boot.problem() for boot in all_boots if boot.code]
    problems += [f"{boot.host.name} has not booted within {BOOT_SECONDS:.0f} s" for boot in waiting.values()]
    if problems:
        raise HostError("\n".join(problems))


def last_lines(path: Path, number: int) -> list[str]:
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return []
    return [line for line in lines if line.strip()][-number:]
