"""Writes that the cache has not shown yet: until they are seen (or 5 minutes pass), no more of their kind.

Without them a controller whose cache lags would create the same pods twice.
"""

from msgspec import Struct, field

from pynetes.component import clock

TIMEOUT = 300.0


class _Expected(Struct):
    creations: int = 0
    deletions: set[str] = field(default_factory=set)
    at: float = 0.0


class Expectations:
    """By controller key: how many creations, and the deletions of which pods, are still to be seen."""

    def __init__(self) -> None:
        self._expected: dict[str, _Expected] = {}

    def satisfied(self, key: str) -> bool:
        expected = self._expected.get(key)
        if expected is None:
            return True
        done = expected.creations <= 0 and not expected.deletions
        return done or clock.monotonic() - expected.at > TIMEOUT

    def expect_creations(self, key: str, count: int) -> None:
        self._expected[key] = _Expected(creations=count, at=clock.monotonic())

    def expect_deletions(self, key: str, pods: list[str]) -> None:
        self._expected[key] = _Expected(deletions=set(pods), at=clock.monotonic())

    def expect(self, key: str, creations: int, deletions: list[str]) -> None:
        """Both at once."""
        self._expected[key] = _Expected(creations, set(deletions), clock.monotonic())

    def creation_observed(self, key: str) -> None:
        """A creation was seen, or will never come."""
        expected = self._expected.get(key)
        if expected is not None:
            expected.creations -= 1

    def deletion_observed(self, key: str, pod: str) -> None:
        expected = self._expected.get(key)
        if expected is not None:
            expected.deletions.discard(pod)

    def forget(self, key: str) -> None:
        self._expected.pop(key, None)
