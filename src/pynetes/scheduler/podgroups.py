"""Pods that plugins cannot tell apart, counted per node.

All pods of a ReplicaSet are one group: what a selector or an affinity term says of one of them it says of all. So a
cycle asks each group once and counts with arrays, however many pods there are.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from pynetes.scheduler.podinfo import PodInfo

Ints = npt.NDArray[np.int64]

_FIRST = 4


class PodGroup:
    """`pod` is any one of them, for what they share (see `PodInfo.group`)."""

    def __init__(self, pod: PodInfo) -> None:
        self.pod = pod
        self._slot_of: dict[int, int] = {}
        self._rows: Ints = np.zeros(_FIRST, np.int64)
        self._counts: Ints = np.zeros(_FIRST, np.int64)

    @property
    def rows(self) -> Ints:
        """The rows of the nodes that run some, each once, in no order."""
        return self._rows[: len(self._slot_of)]

    @property
    def counts(self) -> Ints:
        """How many run on the node at the same place of `rows`."""
        return self._counts[: len(self._slot_of)]

    def __bool__(self) -> bool:
        return bool(self._slot_of)

    def add(self, row: int) -> None:
        slot = self._slot_of.get(row)
        if slot is None:
            slot = self._slot_of[row] = len(self._slot_of)
            if slot == len(self._rows):
                self._rows = np.concatenate((self._rows, np.zeros_like(self._rows)))
                self._counts = np.concatenate((self._counts, np.zeros_like(self._counts)))
            self._rows[slot], self._counts[slot] = row, 0
        self._counts[slot] += 1

    def remove(self, row: int) -> None:
        slot = self._slot_of[row]
        self._counts[slot] -= 1
        if self._counts[slot]:
            return
        del self._slot_of[row]
        last = len(self._slot_of)
        if slot != last:  # the last one takes over the place
            moved = int(self._rows[last])
            self._rows[slot], self._counts[slot] = moved, self._counts[last]
            self._slot_of[moved] = slot


def together(groups: Iterable[PodGroup]) -> tuple[Ints, Ints]:
    """Rows and counts of several groups; a row is there once for each of them that runs on it."""
    found = list(groups)
    if len(found) == 1:
        return found[0].rows, found[0].counts
    if not found:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    return np.concatenate([group.rows for group in found]), np.concatenate([group.counts for group in found])
