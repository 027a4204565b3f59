"""How long a failed key waits: by its own failures, and by all keys together."""

from collections.abc import Hashable
from typing import Generic, TypeVar

from pynetes.component import clock

K = TypeVar("K", bound=Hashable)


class ExponentialFailures(Generic[K]):
    """`base` seconds after an item's first failure, twice as long after each further one, up to `limit`."""

    def __init__(self, base: float = 0.005, limit: float = 1000.0) -> None:
        self._base = base
        self._limit = limit
        self._failures: dict[K, int] = {}

    def when(self, item: K) -> float:
        failures = self._failures.get(item, 0)
        self._failures[item] = failures + 1
        return min(self._base * 2.0 ** min(failures, 64), self._limit)

    def forget(self, item: K) -> None:
        self._failures.pop(item, None)

    def failures(self, item: K) -> int:
        return self._failures.get(item, 0)


class TokenBucket:
    """`rate` tokens a second, at most `burst` saved up; reservations may run ahead of the supply."""

    def __init__(self, rate: float = 10.0, burst: float = 100.0) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at: float | None = None

    def reserve(self) -> float:
        """Takes one token; the seconds until it is there."""
        self._refill()
        self._tokens -= 1
        return max(0.0, -self._tokens / self._rate)

    def try_take(self) -> bool:
        """Takes one token if there is one."""
        self._refill()
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _refill(self) -> None:
        now = clock.monotonic()
        if self._at is not None:
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now


class RateLimiter(Generic[K]):
    """The longer of both waits: 5 ms to 1000 s for one item, 10 a second in bursts of 100 for all."""

    def __init__(self, items: ExponentialFailures[K] | None = None, bucket: TokenBucket | None = None) -> None:
        self._items = items or ExponentialFailures()
        self._bucket = bucket or TokenBucket()

    def when(self, item: K) -> float:
        return max(self._items.when(item), self._bucket.reserve())

    def forget(self, item: K) -> None:
        self._items.forget(item)

    def failures(self, item: K) -> int:
        return self._items.failures(item)
