"""Remembering what texts from clients mean, without remembering megabytes of them.

Writers repeat themselves: selectors and quantities are the same few, a controller makes many pods of one template, a
kubelet writes the status of a pod whose spec stays, a custom resource is read back as it has just been written. To
compare texts costs some microseconds where walking through what they say costs hundreds.
"""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache, wraps
from hashlib import blake2b
from typing import Generic, TypeVar, cast

F = TypeVar("F", bound=Callable[..., object])
T = TypeVar("T")

#: Longer texts are worked out each time: ordinary ones are shorter, and thousands of longer ones are a lot of memory.
LONGEST = 1024
#: The same for whole objects, of which only digests are kept.
LONGEST_OBJECT = 32 << 10


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
    """The findings about the last `limit` texts that were asked for. Texts themselves are not kept, only digests that
    nobody can find a second text for; of texts that are longer than those of any ordinary object nothing is kept."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._found: OrderedDict[bytes, T] = OrderedDict()

    def get(self, text: bytes, find: Callable[[], T]) -> T:
        """What `find` returns, or has returned for this text. What it raises is not remembered."""
        if len(text) > LONGEST_OBJECT:
            return find()
        key = blake2b(text, digest_size=16).digest()
        with suppress(KeyError):  # the thread of `aside` may drop it at any time
            self._found.move_to_end(key)
            return self._found[key]
        found = self._found[key] = find()
        if len(self._found) > self._limit:
            self._found.popitem(last=False)
        return found
