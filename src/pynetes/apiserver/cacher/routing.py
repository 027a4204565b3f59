"""Which watchers a change concerns.

Most watches want one namespace, one object, or (kubelets) the objects with one value of a field; asking thousands of
selectors for every change would cost more than all else. Watchers are filed under what they want, and a change is
shown only to those filed under it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from pynetes.apiserver.cacher.entry import Predicate
from pynetes.apiserver.cacher.events import Change, Frames
from pynetes.apiserver.cacher.pacing import Pacer
from pynetes.apiserver.cacher.watcher import Watcher

_Watchers = dict[Watcher, None]  # an ordered set: watchers are told in the order they came


class Routes:
    """The watchers of one resource. `root` is its prefix; by `indexed_field` watchers may be filed."""

    def __init__(self, root: str, indexed_field: str = "") -> None:
        self._root = root
        self._field = indexed_field
        self._pacer = Pacer()
        self._by_prefix: defaultdict[str, _Watchers] = defaultdict(dict)
        self._by_value: defaultdict[str, _Watchers] = defaultdict(dict)

    def __iter__(self) -> Iterator[Watcher]:
        for files in (self._by_prefix, self._by_value):
            for watchers in files.values():
                yield from watchers

    def __len__(self) -> int:
        return sum(len(watchers) for files in (self._by_prefix, self._by_value) for watchers in files.values())

    def add(self, watcher: Watcher, prefix: str, field_value: str | None = None) -> None:
        """Files a watcher until it ends. `field_value`: it only wants objects whose indexed field has this value."""
        if self._field and field_value is not None and prefix == self._root:
            files, key = self._by_value, field_value
        else:
            files, key = self._by_prefix, prefix
        files[key][watcher] = None
        watcher.on_end(lambda: self._remove(files, key, watcher))

    @staticmethod
    def _remove(files: defaultdict[str, _Watchers], key: str, watcher: Watcher) -> None:
        watchers = files[key]
        watchers.pop(watcher, None)
        if not watchers:
            del files[key]

    def dispatch(self, changes: list[Change]) -> int:
        """Tells every watcher what concerns it, and returns how many events were told in all."""
        told = 0
        if root := self._by_prefix.get(self._root):
            told += self._tell(root, changes)
        if len(self._by_prefix) > bool(root):
            for prefix, group in self._grouped_by_prefix(changes).items():
                told += self._tell(self._by_prefix[prefix], group)
        if self._by_value:
            for value, group in self._grouped_by_value(changes).items():
                told += self._tell(self._by_value[value], group)
        self._pacer.begin()
        return told

    def tell(self, watchers: Iterable[Watcher], frames: Frames) -> None:
        """The same events for each of them."""
        for watcher in watchers:
            self._pacer.put(watcher, frames)
        self._pacer.begin()

    def _tell(self, watchers: _Watchers, changes: list[Change]) -> int:
        """One `Frames` for all watchers with the same selection, so that they share its bytes."""
        shared: dict[Predicate | None, Frames | None] = {}
        told = 0
        for watcher in list(watchers):
            predicate = watcher.predicate
            if predicate not in shared:
                shared[predicate] = select(changes, predicate)
            frames = shared[predicate]
            if frames is not None:
                self._pacer.put(watcher, frames)
                told += len(frames)
        return told

    def _grouped_by_prefix(self, changes: list[Change]) -> dict[str, list[Change]]:
        groups: dict[str, list[Change]] = {}
        for change in changes:
            key = change.entry.key
            for prefix in (key, key[: key.rindex("/") + 1]):
                if prefix != self._root and prefix in self._by_prefix:
                    groups.setdefault(prefix, []).append(change)
        return groups

    def _grouped_by_value(self, changes: list[Change]) -> dict[str, list[Change]]:
        groups: dict[str, list[Change]] = {}
        for change in changes:
            values = {change.entry.fields.get(self._field, "")}
            if change.prev is not None:
                values.add(change.prev.fields.get(self._field, ""))
            for value in values:
                if value in self._by_value:
                    groups.setdefault(value, []).append(change)
        return groups


def select(changes: list[Change], predicate: Predicate | None) -> Frames | None:
    """What a watcher with this selection is told of the changes."""
    events = [event for change in changes if (event := change.event_for(predicate)) is not None]
    return Frames(events) if events else None
