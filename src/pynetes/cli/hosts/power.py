"""Whether a host is on, and how it goes off. Blocking."""

import contextlib
import json
import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pynetes.cli.hosts import network, places
from pynetes.cli.hosts.plan import Host, HostError
from pynetes.cli.layout import Layout
from pynetes.component import clock

State = Literal["on", "off", "cut"]

_SHUTDOWN_SECONDS = 75.0
_KILL_SECONDS = 30.0


def init_pid(layout: Layout, name: str) -> int | None:
    """The pid, on the machine, of a host's first process; None if the host is off."""
    try:
        entry = json.loads(places.of(layout, name).power.read_text())
        pid, started = int(entry["pid"]), str(entry["started"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return pid if start_of(pid) == started else None


def note(layout: Layout, name: str, pid: int) -> None:
    """Remembers a host's first process. Its start tells it from a later process with the same pid."""
    path = places.of(layout, name).power
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"pid": pid, "started": start_of(pid)}))


def start_of(pid: int) -> str:
    """When a process began, in ticks since the kernel's start; empty for none or one that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def state(layout: Layout, name: str) -> State:
    if init_pid(layout, name) is None:
        return "off"
    return "cut" if network.is_cut(name) else "on"


def hosts_with_files(layout: Layout) -> list[str]:
    """Names of hosts that have been on since the last `down`, whether the record names them or not."""
    return sorted(path.stem for path in (layout.run / "hosts").glob("*.json"))


def kill(layout: Layout, names: Iterable[str]) -> None:
    """A power cut: no process of the hosts runs on. HostError if one does not end."""
    _end(layout, names, signal.SIGKILL, _KILL_SECONDS)


def shut_down(layout: Layout, names: Iterable[str]) -> None:
    """Each host ends its processes in order; what has not ended after a minute is killed."""
    names = list(names)
    try:
        _end(layout, names, signal.SIGTERM, _SHUTDOWN_SECONDS)
    except HostError:
        kill(layout, names)


def _end(layout: Layout, names: Iterable[str], number: signal.Signals, seconds: float) -> None:
    running = {name: pid for name in names if (pid := init_pid(layout, name)) is not None}
    for pid in running.values():
        with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
            os.kill(pid, number)
    deadline = clock.monotonic() + seconds
    while waiting := [name for name in running if init_pid(layout, name) is not None]:
        if clock.monotonic() > deadline:
            raise HostError(f"{', '.join(waiting)} did not end within {seconds:.0f} s")
        clock.sleep_blocking(0.02)
    for name in running:
        network.unplug(name)
        places.of(layout, name).power.unlink(missing_ok=True)


def forget_pods(cgroup_root: str, host: Host) -> None:
    """Removes the cgroups of a host that is off: the kernel keeps them, where a machine's would be gone."""
    from pynetes.cli import cleanup

    cleanup.remove_cgroups(f"{cgroup_root}/{host.name}")
