"""What measurements share: options, medians and percentiles, Markdown tables, the machine's line."""

import math
import os
import platform
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """`rounds`: how often each case is measured. `seconds`: how long one case of a rate runs. `directory`: where
    temporary data lies; it should be on a disk, since a sync on a tmpfs costs nothing. `cache`: kept between runs.
    `only`: a part of the names of those cases of the API server that are measured.
    """

    rounds: int = 5
    seconds: float = 1.0
    directory: str | None = None
    cache: Path = Path("/var/cache/pynetes")
    only: str = ""


@dataclass(slots=True)
class Table:
    """`notes` come below it: what the columns mean, what the anchor is."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    notes: str = ""

    def markdown(self) -> str:
        """Aligned for reading as plain text, too; all but the first column to the right."""
        lines = [list(self.columns), *(list(row) for row in self.rows)]
        widths = [max(len(line[index]) for line in lines) for index in range(len(self.columns))]
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        aligned = ["| " + " | ".join(_aligned(cells, widths)) + " |" for cells in (lines[0], rule, *lines[1:])]
        notes = f"\n{self.notes}\n" if self.notes else ""
        return f"**{self.title}**\n\n" + "\n".join(aligned) + "\n" + notes


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    first, rest = cells[0].ljust(widths[0]), zip(cells[1:], widths[1:], strict=True)
    return [first, *(cell.rjust(width) for cell, width in rest)]


def percentile(values: Iterable[float], share: float) -> float:
    """The nearest-rank percentile; nan without values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)] if ordered else math.nan


def median(values: Iterable[float]) -> float:
    found = list(values)
    return statistics.median(found) if found else math.nan


def rate(value: float) -> str:
    return f"{value:,.0f}"


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.2f}" if seconds < 0.1 else f"{seconds * 1000:,.0f}"


def ratio(value: float, anchor: float) -> str:
    return f"{value / anchor:.2f}" if anchor else "–"


def progress(text: str) -> None:
    """Tells the person who waits; tables alone go to standard output."""
    print(f"… {text}", file=sys.stderr, flush=True)


def machine_line() -> str:
    """One line about the machine: cores, memory, kernel, Python, load before the run."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    model = next((text for text in _cpu_models()), platform.machine())
    return (
        f"{os.cpu_count()} cores ({model}), {pages * size / 2**30:.0f} GiB, Linux {platform.release()}, "
        f"Python {platform.python_version()}, load average {os.getloadavg()[0]:.1f} at the start"
    )


def _cpu_models() -> Iterable[str]:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            yield line.partition(":")[2].strip()
