"""Ranges of costs and sizes, and what a node looks like to whoever estimates them.

Costs are in the original's units (one is about 50 ns there) and never leave 64 bits: what would, stays at the most.
"""

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

from msgspec import Struct

from pynetes.apimachinery.cel.ast import Expr
from pynetes.apimachinery.cel.types import DeclType, Type

MAX = 2**64 - 1
LIST_CREATE, MAP_CREATE, STRUCT_CREATE = 10, 30, 40
TRAVERSAL, REGEX_LENGTH = 0.1, 0.25


class Range(NamedTuple):
    """From the least to the most: of a cost or of a size."""

    min: int
    max: int

    def plus(self, other: "Range") -> "Range":
        return Range(min(self.min + other.min, MAX), min(self.max + other.max, MAX))

    def times(self, other: "Range") -> "Range":
        return Range(min(self.min * other.min, MAX), min(self.max * other.max, MAX))

    def by(self, factor: float) -> "Range":
        """Times a factor, rounded up."""
        return Range(_scaled(self.min, factor), _scaled(self.max, factor))

    def union(self, other: "Range") -> "Range":
        return Range(min(self.min, other.min), max(self.max, other.max))


def _scaled(number: int, factor: float) -> int:
    product = float(number) * factor
    return MAX if product >= 2.0**64 else math.ceil(product)


def fixed(number: int) -> Range:
    return Range(number, number)


UNKNOWN = Range(0, MAX)
ZERO, ONE = fixed(0), fixed(1)


class CallEstimate(NamedTuple):
    cost: Range
    size: Range | None = None


class Node(Struct):
    """`path` leads from a variable through fields, `@items`, `@keys` and `@values`; empty if the value is made by the
    expression itself. `size` is what the expression tells about it."""

    path: tuple[str, ...]
    type: Type
    expr: Expr | None
    size: Range | None


class Estimator(Protocol):
    def size(self, node: Node) -> Range:
        """The size of a node, from the expression or from what was declared."""
        ...

    def element(self, node: Node) -> Node | None:
        """The elements of a list node."""
        ...


#: What is known of the sizes at a path.
Sizes = Callable[[tuple[str, ...]], Range | None]


def no_sizes(path: tuple[str, ...]) -> Range | None:
    return None


class DeclaredSizes:
    """Sizes of what a variable of the declared type holds; every path is taken to begin at that variable, as upstream's
    estimator for custom resources does it."""

    def __init__(self, root: DeclType) -> None:
        self._root = root

    def __call__(self, path: tuple[str, ...]) -> Range | None:
        if not path:
            return None
        at = self._root
        for name in path[1:]:
            below = at.element if name in ("@items", "@values") else at.key if name == "@keys" else None
            if not name.startswith("@"):
                field = (at.fields or {}).get(name)
                below = field.type if field is not None else None
            if below is None:
                return None
            at = below
        return Range(0, at.max_elements)


def string_cost(size: int, factor: float = 1.0) -> int:
    """Of going through a string once (or `factor` times)."""
    return math.ceil(size * factor * TRAVERSAL)
