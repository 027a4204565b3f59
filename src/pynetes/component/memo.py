"""Remembering what texts from clients mean, without remembering megabytes of them."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar, cast

F = TypeVar("F", bound=Callable[..., object])

#: Longer texts are worked out each time: ordinary ones are shorter, and thousands of longer ones are a lot of memory.
LONGEST = 1024


def remembered(size: int) -> Callable[[F], F]:
    """A cache of `size` outcomes for a pure function whose first argument is a text or bytes."""

    def decorate(function: F) -> F:
        cached = lru_cache(size)(function)

        @wraps(function)
        def call(text: str | bytes, *rest: object) -> object:
            return cached(text, *rest) if len(text) <= LONGEST else function(text, *rest)

        return cast(F, call)

    return decorate
