"""The processes of this machine."""

from pathlib import Path
from typing import Any

from pynetes.cli.status.remarks import BAD, WARN, Remark

Object = dict[str, Any]

SECTION = "processes"
#: So many restarts are worth a word.
_RESTARTS = 3


def with_memory(processes: dict[str, Object]) -> dict[str, Object]:
    return {name: {**process, "memoryBytes": memory(process["pid"])} for name, process in processes.items()}


def memory(pid: int) -> int:
    """Proportional set size: what of memory is this process' share."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return 0
    return 0


def remarks(processes: dict[str, Object]) -> list[Remark]:
    said = []
    for name, process in processes.items():
        log = f"see {process.get('log', 'its log')}"
        if not process["pid"]:
            said.append(Remark(BAD, SECTION, f"{name} does not run ({process.get('lastExit') or 'not started'})", log))
        elif process["restarts"] >= _RESTARTS:
            what = f"{name} was restarted {process['restarts']} times ({process.get('lastExit')})"
            said.append(Remark(WARN, SECTION, what, log))
    return said
