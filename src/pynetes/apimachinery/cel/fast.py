"""Short ways for what rules do most: comparing two strings, two ints, two booleans. All else goes the long way."""

import operator
from collections.abc import Callable
from typing import Any

from pynetes.apimachinery.cel.cost import string_cost

Frame = list[Any]
Run = Callable[[Frame], Any]
_COST = 0
_SHORT_TEXT = 256
#: Of strings by their length.
_COSTS = [string_cost(size) for size in range(_SHORT_TEXT)]
_RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "_<_": operator.lt,
    "_<=_": operator.le,
    "_>_": operator.gt,
    "_>=_": operator.ge,
}


def _text_cost(first: str, second: str) -> int:
    size = min(len(first), len(second))
    return _COSTS[size] if size < _SHORT_TEXT else string_cost(size)


def equality(left: Run, right: Run, long: Callable[[Frame, Any, Any], Any], *, negated: bool) -> Run:
    """`==` or `!=`. `long` compares, charges and decides what is not simple."""

    def equal(frame: Frame) -> Any:
        first, second = left(frame), right(frame)
        kind = type(first)
        if kind is type(second):
            if kind is str:
                frame[_COST] += _text_cost(first, second)
                return (first == second) is not negated
            if kind is int or kind is bool:
                frame[_COST] += 1
                return (first == second) is not negated
        return long(frame, first, second)

    return equal


def relation(name: str, left: Run, right: Run, long: Callable[[Frame, Any, Any], Any]) -> Run | None:
    """`<`, `<=`, `>`, `>=` of ints; None if the name is no such operator."""
    compare = _RELATIONS.get(name)
    if compare is None:
        return None

    def related(frame: Frame) -> Any:
        first, second = left(frame), right(frame)
        if type(first) is int and type(second) is int:
            frame[_COST] += 1
            return compare(first, second)
        return long(frame, first, second)

    return related
