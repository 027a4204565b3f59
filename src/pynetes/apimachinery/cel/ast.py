"""The tree that the parser makes, the checker types and the planner compiles.

`position` is where the original points to: the operator, the opening bracket of a call, the dot of a selection.
Macros are expanded while parsing, so that the tree knows comprehensions, not `all` and `map`.
"""

from typing import Any

from msgspec import Struct, field

from pynetes.apimachinery.cel.types import ERROR, Type

ACCUMULATOR = "@result"


class Expr(Struct, eq=False, kw_only=True):
    position: int
    #: Set by the checker.
    type: Type = ERROR
    #: Overloads that a call can reach.
    overloads: tuple[str, ...] = ()


class Literal(Expr, eq=False):
    value: Any


class Ident(Expr, eq=False):
    name: str
    #: The type that the name stands for, once the checker has found it to be one.
    type_value: Type | None = None


class Select(Expr, eq=False):
    operand: Expr
    field: str
    test_only: bool = False
    #: Once the checker has found that `a.b.c` is one name.
    resolved: "Ident | None" = None


class Call(Expr, eq=False):
    function: str
    target: Expr | None
    args: list[Expr]


class ListExpr(Expr, eq=False):
    elements: list[Expr]
    optionals: frozenset[int] = frozenset()


class Entry(Struct, eq=False):
    """`key: value` of a map."""

    position: int
    key: Expr
    value: Expr
    optional: bool = False


class MapExpr(Expr, eq=False):
    entries: list[Entry]


class FieldInit(Struct, eq=False):
    """`name: value` of an object."""

    position: int
    name: str
    value: Expr
    optional: bool = False


class StructExpr(Expr, eq=False):
    name: str
    fields: list[FieldInit] = field(default_factory=list)


class Comprehension(Expr, eq=False):
    """Folds `iter_range`: while `condition`, the accumulator becomes `step`; in the end the value is `result`.

    With `iter_var2` the first variable is the index or key, the second the value.
    """

    iter_range: Expr
    iter_var: str
    iter_var2: str
    accu_var: str
    accu_init: Expr
    condition: Expr
    step: Expr
    result: Expr

    @property
    def is_bind(self) -> bool:
        """A comprehension over nothing, which only names the accumulator."""
        empty = isinstance(self.iter_range, ListExpr) and not self.iter_range.elements
        never = isinstance(self.condition, Literal) and self.condition.value is False
        return empty and never and self.accu_var != ACCUMULATOR


def copy(expr: Expr) -> Expr:
    """A tree of its own, since the checker writes into nodes."""
    match expr:
        case Literal():
            return Literal(expr.value, position=expr.position)
        case Ident():
            return Ident(expr.name, position=expr.position)
        case Select():
            return Select(copy(expr.operand), expr.field, expr.test_only, position=expr.position)
        case Call():
            target = copy(expr.target) if expr.target is not None else None
            return Call(expr.function, target, [copy(arg) for arg in expr.args], position=expr.position)
        case ListExpr():
            return ListExpr([copy(e) for e in expr.elements], expr.optionals, position=expr.position)
        case MapExpr():
            entries = [Entry(e.position, copy(e.key), copy(e.value), e.optional) for e in expr.entries]
            return MapExpr(entries, position=expr.position)
        case StructExpr():
            fields = [FieldInit(f.position, f.name, copy(f.value), f.optional) for f in expr.fields]
            return StructExpr(expr.name, fields, position=expr.position)
        case Comprehension():
            return Comprehension(
                copy(expr.iter_range),
                expr.iter_var,
                expr.iter_var2,
                expr.accu_var,
                copy(expr.accu_init),
                copy(expr.condition),
                copy(expr.step),
                copy(expr.result),
                position=expr.position,
            )
    raise TypeError(type(expr).__name__)


def children(expr: Expr) -> list[Expr]:
    """The direct parts of an expression, in the order of evaluation."""
    match expr:
        case Select():
            return [expr.operand] if expr.resolved is None else []
        case Call():
            return [*([expr.target] if expr.target is not None else []), *expr.args]
        case ListExpr():
            return list(expr.elements)
        case MapExpr():
            return [part for entry in expr.entries for part in (entry.key, entry.value)]
        case StructExpr():
            return [each.value for each in expr.fields]
        case Comprehension():
            return [expr.iter_range, expr.accu_init, expr.condition, expr.step, expr.result]
    return []
