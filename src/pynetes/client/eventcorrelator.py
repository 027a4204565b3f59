"""Which events to write, drop or fold into earlier ones: the pure part of event recording.

Three rules of upstream's EventCorrelator: an object may cause 25 events at once and one every 300 s after that; more
than ten messages of one reason within ten minutes become one "(combined from similar events)"; a repeat raises the
`count` of the event already written.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from msgspec import Struct, field

from pynetes.client.ratelimiter import TokenBucket
from pynetes.component import clock

MAX_ENTRIES = 4096
SPAM_BURST = 25
SPAM_RATE = 1 / 300
AGGREGATE_AFTER = 10
AGGREGATE_WITHIN = 600.0

Object = dict[str, Any]
V = TypeVar("V")


class LRU(Generic[V]):
    """A dict that forgets the entries used longest ago."""

    def __init__(self, size: int = MAX_ENTRIES) -> None:
        self._size = size
        self._items: OrderedDict[tuple[Any, ...], V] = OrderedDict()

    def get(self, key: tuple[Any, ...]) -> V | None:
        found = self._items.get(key)
        if found is not None:
            self._items.move_to_end(key)
        return found

    def put(self, key: tuple[Any, ...], value: V) -> None:
        self._items[key] = value
        self._items.move_to_end(key)
        while len(self._items) > self._size:
            self._items.popitem(last=False)

    def setdefault(self, key: tuple[Any, ...], make: Callable[[], V]) -> V:
        found = self.get(key)
        if found is None:
            found = make()
            self.put(key, found)
        return found


class Written(Struct):
    """An event that exists in the cluster."""

    name: str
    namespace: str
    first_timestamp: str
    count: int = 1


class _Similar(Struct):
    """Distinct messages of one reason for one object, lately."""

    messages: set[str] = field(default_factory=set)
    last: float = 0.0


class Decision(Struct, frozen=True):
    """What to do with an event: `known` is the one to count up, or None to create. `key` remembers it."""

    key: tuple[Any, ...]
    message: str
    known: Written | None


def _source_key(event: Object) -> tuple[Any, ...]:
    source, about = event["source"], event["involvedObject"]
    return (
        source.get("component"),
        source.get("host"),
        *(about.get(part) for part in ("kind", "namespace", "name", "uid", "apiVersion")),
    )


class EventCorrelator:
    """Remembers what was written; `decide` on each event, `written` after each write."""

    def __init__(self) -> None:
        self._buckets: LRU[TokenBucket] = LRU()
        self._similar: LRU[_Similar] = LRU()
        self._written: LRU[Written] = LRU()

    def decide(self, event: Object) -> Decision | None:
        """None: this object causes too many events."""
        source = _source_key(event)
        bucket = self._buckets.setdefault(source, lambda: TokenBucket(SPAM_RATE, SPAM_BURST))
        if not bucket.try_take():
            return None
        group = (*source, event["type"], event["reason"], event["involvedObject"].get("fieldPath"))
        message = event["message"]
        if self._is_one_of_many(group, message):
            return Decision(group, f"(combined from similar events): {message}", self._written.get(group))
        key = (*group, message)
        return Decision(key, message, self._written.get(key))

    def _is_one_of_many(self, group: tuple[Any, ...], message: str) -> bool:
        now = clock.monotonic()
        similar = self._similar.setdefault(group, _Similar)
        if now - similar.last > AGGREGATE_WITHIN:
            similar.messages.clear()
        similar.last = now
        similar.messages.add(message)
        if len(similar.messages) < AGGREGATE_AFTER:
            return False
        similar.messages.pop()  # the set's size is all that matters from here
        return True

    def written(self, decision: Decision, event: Object) -> None:
        """Remembers `event` as the cluster has it now."""
        meta = event["metadata"]
        self._written.put(
            decision.key,
            Written(meta["name"], meta["namespace"], event.get("firstTimestamp") or "", event.get("count") or 1),
        )
