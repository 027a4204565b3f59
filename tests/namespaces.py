"""Namespaces that a test remembers, and the processes in them."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def held(paths: Iterable[str]) -> Iterator[set[str]]:
    """What the namespaces at these paths (`/proc/1/ns/pid`) are called, as long as they are open here.

    A namespace is known by its number, and the number of one that has gone is the next one's at once: without this
    another test's pod is found in it. An open network namespace keeps its interfaces, and so a host's cable, too.
    """
    descriptors: list[int] = []
    try:
        for path in paths:
            descriptors.append(os.open(path, os.O_RDONLY))
        yield {os.readlink(f"/proc/self/fd/{descriptor}") for descriptor in descriptors}
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def inhabitants(kept: set[str], kinds: Iterable[str] = ("pid", "net")) -> list[int]:
    """Pids of the processes that are in any of these namespaces, of these kinds."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if {os.readlink(entry / "ns" / kind) for kind in kinds} & kept:
                found.append(int(entry.name))
        except OSError:  # it has just ended
            continue
    return found
