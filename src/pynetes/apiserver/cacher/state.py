"""The objects of one resource at one revision, by key and in key order."""

from bisect import bisect_left, insort
from collections.abc import Iterable

from pynetes.apiserver.cacher.entry import Entry


def prefix_end(prefix: str) -> str:
    """The first key after all that begin with `prefix`."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


class State:
    """Current entries. A dict for lookups beside a sorted list of keys: inserting there moves pointers, no objects."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries = {entry.key: entry for entry in entries}
        self._keys = sorted(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> Entry | None:
        return self._entries.get(key)

    def put(self, entry: Entry) -> Entry | None:
        """Sets the entry of its key and returns the one it replaces."""
        prev = self._entries.get(entry.key)
        if prev is None:
            insort(self._keys, entry.key)
        self._entries[entry.key] = entry
        return prev

    def remove(self, key: str) -> Entry | None:
        """Drops the key and returns its entry."""
        prev = self._entries.pop(key, None)
        if prev is not None:
            del self._keys[bisect_left(self._keys, key)]
        return prev

    def range(self, prefix: str, start: str = "") -> list[Entry]:
        """Entries under the prefix in key order, from the key `start` on (inclusive). No last slash: that key only."""
        if not prefix.endswith("/"):
            entry = self._entries.get(prefix) if start <= prefix else None
            return [entry] if entry else []
        if not self._keys:  # as of many kinds that every write asks for
            return []
        first = bisect_left(self._keys, max(prefix, start))
        last = bisect_left(self._keys, prefix_end(prefix), lo=first)
        if first == 0 and last == len(self._keys):
            keys = self._keys
        else:
            keys = self._keys[first:last]
        return list(map(self._entries.__getitem__, keys))
