"""Forms of costs that several libraries share."""

from collections.abc import Sequence
from typing import Any

from pynetes.apimachinery.cel.cost import (
    LIST_CREATE,
    ONE,
    TRAVERSAL,
    CallEstimate,
    Estimator,
    Node,
    Range,
    fixed,
    string_cost,
)
from pynetes.apimachinery.cel.declarations import RuntimeCost, StaticCost
from pynetes.apimachinery.cel.values import LISTS, size_of


def nominal(args: Sequence[Any], result: Any) -> int:
    return 1


def estimate_nominal(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
    return CallEstimate(ONE)


def traversal(factor: float = 1) -> RuntimeCost:
    """Of going through the first argument (the target, of members)."""

    def cost(args: Sequence[Any], result: Any) -> int:
        return string_cost(size_of(args[0]), factor)

    return cost


def estimate_traversal(factor: float = 1, *, sized: bool = False) -> StaticCost:
    """The same before: of the first argument, which is as long as the result if `sized`."""

    def estimate(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
        if not args:
            return None
        size = estimator.size(args[0])
        return CallEstimate(size.by(factor * TRAVERSAL), size if sized else None)

    return estimate


def estimate_target(factor: float = 1, *, sized: bool = True) -> StaticCost:
    """The same of the target."""

    def estimate(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
        if target is None:
            return None
        size = estimator.size(target)
        return CallEstimate(size.by(factor * TRAVERSAL), size if sized else None)

    return estimate


def deep_traversal(value: Any) -> int:
    """Of going through a value and all that is in it."""
    kind = type(value)
    if kind is str:
        return int(len(value.encode("utf-8", "surrogatepass")) * TRAVERSAL)
    if kind is bytes:
        return int(len(value) * TRAVERSAL)
    if kind in LISTS:
        return sum(map(deep_traversal, value))
    if kind is dict:
        return sum(deep_traversal(key) + deep_traversal(each) for key, each in value.items())
    return 1


def allocating(factor: float, size: Range) -> CallEstimate:
    """Of a call that makes a list of that size."""
    return CallEstimate(size.by(factor).plus(ONE).plus(fixed(LIST_CREATE)), size)


def allocated(factor: float, size: int) -> int:
    return int(size * factor) + 1 + LIST_CREATE
