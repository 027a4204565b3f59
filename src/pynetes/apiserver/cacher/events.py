"""Changes as watchers see them, and their wire form: `{"type":…,"object":…}` a line."""

from collections.abc import Iterator, Sequence
from typing import Literal, overload

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apiserver.cacher.entry import Entry, Predicate

EventType = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]

_HEADS: dict[EventType, bytes] = {
    "ADDED": b'{"type":"ADDED","object":',
    "MODIFIED": b'{"type":"MODIFIED","object":',
    "DELETED": b'{"type":"DELETED","object":',
    "BOOKMARK": b'{"type":"BOOKMARK","object":',
}
_TAIL = b"}\n"


class WatchEvent:
    """One event, shared between watchers. A bookmark's entry holds the bookmark object; its key is empty."""

    __slots__ = ("entry", "type")

    def __init__(self, type: EventType, entry: Entry) -> None:
        self.type = type
        self.entry = entry

    def __repr__(self) -> str:
        return f"WatchEvent({self.type}, {self.entry!r})"


class Frames(Sequence[WatchEvent]):
    """Some events in order; shared between watchers, so never changed."""

    __slots__ = ("_data", "_events", "_joined")

    def __init__(self, events: list[WatchEvent]) -> None:
        self._events = events
        self._data: bytes | None = None
        self._joined: tuple[list[Frames], Frames] | None = None

    @property
    def data(self) -> bytes:
        """All of them as the wire wants them, ready to write. Joined once."""
        if self._data is None:
            pieces: list[bytes] = []
            for event in self._events:
                pieces += (_HEADS[event.type], event.entry.bytes, _TAIL)
            self._data = b"".join(pieces)
        return self._data

    def after(self, earlier: list["Frames"]) -> "Frames":
        """All events of `earlier`, then these. Watchers that ask for the same share it, as they share its bytes."""
        if self._joined is None or self._joined[0] != earlier:
            events = [event for frames in (*earlier, self) for event in frames]
            self._joined = (earlier, Frames(events))
        return self._joined[1]

    @overload
    def __getitem__(self, index: int) -> WatchEvent: ...
    @overload
    def __getitem__(self, index: slice) -> list[WatchEvent]: ...
    def __getitem__(self, index: int | slice) -> WatchEvent | list[WatchEvent]:
        return self._events[index]

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[WatchEvent]:
        return iter(self._events)

    def __repr__(self) -> str:
        return f"Frames({self._events!r})"


class Change:
    """One change of one object. `entry` is what it became; when deleted, the last content at the delete's revision."""

    __slots__ = ("_left", "deleted", "entry", "event", "prev")

    def __init__(self, entry: Entry, prev: Entry | None, deleted: bool) -> None:
        self.entry = entry
        self.prev = prev
        self.deleted = deleted
        self.event = WatchEvent("DELETED" if deleted else "MODIFIED" if prev else "ADDED", entry)
        self._left: WatchEvent | None = None

    def event_for(self, predicate: Predicate | None) -> WatchEvent | None:
        """What a watcher with this selection is told.

        An object that enters the selection is ADDED; one that leaves it is DELETED, with the content it had while it
        was in, under the change's revision.
        """
        if predicate is None:
            return self.event
        after = not self.deleted and predicate(self.entry)
        before = self.prev is not None and predicate(self.prev)
        if after:
            return self.event if before or self.prev is None else WatchEvent("ADDED", self.entry)
        if not before:
            return None
        return self.event if self.deleted else self._left_event()

    def _left_event(self) -> WatchEvent:
        if self._left is None:
            assert self.prev is not None
            self._left = WatchEvent("DELETED", self.prev.at_revision(self.entry.mod_revision))
        return self._left


def bookmark(gvk: GroupVersionKind, revision: int, *, initial_events_end: bool = False) -> WatchEvent:
    """Tells a watcher that it has seen all up to `revision`; at the end of initial events, with the annotation."""
    annotations = ',"annotations":{"k8s.io/initial-events-end":"true"}' if initial_events_end else ""
    text = (
        f'{{"kind":"{gvk.kind}","apiVersion":"{gvk.api_version}",'
        f'"metadata":{{"resourceVersion":"{revision}"{annotations}}}}}'
    )
    return WatchEvent("BOOKMARK", Entry("", text.encode(), revision))
