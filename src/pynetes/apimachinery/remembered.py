"""What pure functions have found out about a text, so that they need not be asked again.

Writers repeat themselves: a controller makes many pods of one template, a kubelet writes the status of a pod whose spec
stays, and a custom resource is read back as it has just been written. To compare texts costs some microseconds where
walking through what they say costs hundreds.
"""

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from typing import Generic, TypeVar

T = TypeVar("T")

_LONGEST = 32 << 10  # bytes


class ByText(Generic[T]):
    """The findings about the last `limit` texts that were asked for. Texts themselves are not kept, only digests that
    nobody can find a second text for; of texts that are longer than those of any ordinary object nothing is kept."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._found: OrderedDict[bytes, T] = OrderedDict()

    def get(self, text: bytes, find: Callable[[], T]) -> T:
        """What `find` returns, or has returned for this text. What it raises is not remembered."""
        if len(text) > _LONGEST:
            return find()
        key = blake2b(text, digest_size=16).digest()
        if key in self._found:
            self._found.move_to_end(key)
            return self._found[key]
        found = self._found[key] = find()
        if len(self._found) > self._limit:
            self._found.popitem(last=False)
        return found
