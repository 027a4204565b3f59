"""Remembering what texts from clients mean, without remembering megabytes of them.

Writers repeat themselves: selectors and quantities are the same few, a controller makes many pods of one template, a
kubelet writes the status of a pod whose spec stays, a custom resource is read back as it has just been written. To
compare texts costs some microseconds where walking through what they say costs hundreds.
"""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache, wraps
from threading import Lock
from typing import Generic, TypeVar, cast

F = TypeVar("F", bound=Callable[..., object])
T = TypeVar("T")

#: Longer texts are worked out each time: ordinary ones are shorter, and thousands of longer ones are a lot of memory.
LONGEST = 1024
#: The same for whole objects, and how many bytes of them are kept in one place.
LONGEST_OBJECT, KEPT = 32 << 10, 1 << 20


def remembered(size: int) -> Callable[[F], F]:
    """A cache of `size` outcomes for a pure function whose first argument is a text or bytes."""

    def decorate(function: F) -> F:
        cached = lru_cache(size)(function)

        @wraps(function)
        def call(text: str | bytes, *rest: object) -> object:
            return cached(text, *rest) if len(text) <= LONGEST else function(text, *rest)

        return cast(F, call)

    return decorate


class ByText(Generic[T]):
    """The findings about the last `limit` texts that were asked for, and fewer where these are long. To compare with a
    kept text takes a tenth of the time of a digest; texts that are longer than those of any ordinary object are not
    kept."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = 0
        self._changing = Lock()  # the thread of `aside` comes here, too
        self._found: OrderedDict[bytes, T] = OrderedDict()

    def get(self, text: bytes, find: Callable[[], T]) -> T:
        """What `find` returns, or has returned for this text. What it raises is not remembered."""
        if len(text) > LONGEST_OBJECT:
            return find()
        with suppress(KeyError):  # it may be dropped at any time
            self._found.move_to_end(text)
            return self._found[text]
        found = find()
        with self._changing:
            if text not in self._found:
                self._bytes += len(text)
            self._found[text] = found
            while len(self._found) > self._limit or self._bytes > KEPT:
                self._bytes -= len(self._found.popitem(last=False)[0])
        return found
