"""Macros: calls that the parser replaces by comprehensions.

The expansions are the original's, step by step, because costs are counted on them.
"""

from collections.abc import Callable

from pynetes.apimachinery.cel.ast import (
    ACCUMULATOR,
    Call,
    Comprehension,
    Expr,
    Ident,
    ListExpr,
    Literal,
    MapExpr,
    Select,
    copy,
)

_LEGACY_ACCUMULATOR = "__result__"
_UNUSED = "#unused"
_SORT_INPUT = "@__sortBy_input__"


class MacroError(Exception):
    """The macro was meant, but its arguments are wrong."""

    def __init__(self, position: int, message: str) -> None:
        super().__init__(message)
        self.position = position


#: Given the place of the call, the target (None for a global call) and arguments: the expansion.
Expander = Callable[[int, Expr | None, list[Expr]], Expr]


class _Builder:
    """Nodes at the place of the call."""

    def __init__(self, position: int) -> None:
        self.position = position

    def literal(self, value: object) -> Literal:
        return Literal(value, position=self.position)

    def ident(self, name: str) -> Ident:
        return Ident(name, position=self.position)

    def accu(self) -> Ident:
        return self.ident(ACCUMULATOR)

    def call(self, function: str, *args: Expr) -> Call:
        return Call(function, None, list(args), position=self.position)

    def member(self, function: str, target: Expr, *args: Expr) -> Call:
        return Call(function, target, list(args), position=self.position)

    def list(self, *elements: Expr) -> ListExpr:
        return ListExpr(list(elements), position=self.position)

    def fold(
        self, over: Expr, names: tuple[str, str], init: Expr, condition: Expr, step: Expr, result: Expr
    ) -> Comprehension:
        return Comprehension(
            over, names[0], names[1], ACCUMULATOR, init, condition, step, result, position=self.position
        )

    def bind(self, name: str, value: Expr, body: Expr) -> Comprehension:
        return Comprehension(
            self.list(), _UNUSED, "", name, value, self.literal(False), self.ident(name), body, position=self.position
        )


def _variable(arg: Expr, message: str) -> str:
    if not isinstance(arg, Ident):
        raise MacroError(arg.position, message)
    if arg.name in (ACCUMULATOR, _LEGACY_ACCUMULATOR):
        raise MacroError(arg.position, "iteration variable overwrites accumulator variable")
    return arg.name


def _variables(args: list[Expr], count: int) -> tuple[str, str]:
    if count == 1:
        return _variable(args[0], "argument must be a simple name"), ""
    for arg in args[:2]:
        if not isinstance(arg, Ident):
            raise MacroError(arg.position, "argument must be a simple name")
    first, second = args[0], args[1]
    assert isinstance(first, Ident)
    assert isinstance(second, Ident)
    if first.name == second.name:
        raise MacroError(second.position, f"duplicate variable name: {first.name}")
    return _variable(first, ""), _variable(second, "")


def _has(position: int, target: Expr | None, args: list[Expr]) -> Expr:
    selection = args[0]
    if isinstance(selection, Select) and not selection.test_only:
        return Select(selection.operand, selection.field, True, position=position)
    raise MacroError(selection.position, "invalid argument to has() macro")


def _quantifier(kind: str, variables: int) -> Expander:
    def expand(position: int, target: Expr | None, args: list[Expr]) -> Expr:
        assert target is not None
        names = _variables(args, variables)
        make, predicate = _Builder(position), args[-1]
        if kind == "all":
            return make.fold(
                target,
                names,
                make.literal(True),
                make.call("@not_strictly_false", make.accu()),
                make.call("_&&_", make.accu(), predicate),
                make.accu(),
            )
        if kind == "exists":
            return make.fold(
                target,
                names,
                make.literal(False),
                make.call("@not_strictly_false", make.call("!_", make.accu())),
                make.call("_||_", make.accu(), predicate),
                make.accu(),
            )
        return make.fold(
            target,
            names,
            make.literal(0),
            make.literal(True),
            make.call("_?_:_", predicate, make.call("_+_", make.accu(), make.literal(1)), make.accu()),
            make.call("_==_", make.accu(), make.literal(1)),
        )

    return expand


def _append(make: _Builder, target: Expr, names: tuple[str, str], condition: Expr | None, element: Expr) -> Expr:
    step: Expr = make.call("_+_", make.accu(), make.list(element))
    if condition is not None:
        step = make.call("_?_:_", condition, step, make.accu())
    return make.fold(target, names, make.list(), make.literal(True), step, make.accu())


def _map(position: int, target: Expr | None, args: list[Expr]) -> Expr:
    assert target is not None
    name = _variable(args[0], "argument is not an identifier")
    condition = args[1] if len(args) == 3 else None
    return _append(_Builder(position), target, (name, ""), condition, args[-1])


def _filter(position: int, target: Expr | None, args: list[Expr]) -> Expr:
    assert target is not None
    name = _variable(args[0], "argument is not an identifier")
    return _append(_Builder(position), target, (name, ""), args[1], args[0])


def _transform_list(position: int, target: Expr | None, args: list[Expr]) -> Expr:
    assert target is not None
    condition = args[2] if len(args) == 4 else None
    return _append(_Builder(position), target, _variables(args, 2), condition, args[-1])


def _insert(position: int, target: Expr | None, args: list[Expr], *, keyed: bool) -> Expr:
    assert target is not None
    names = _variables(args, 2)
    make = _Builder(position)
    key = (make.ident(names[0]),) if keyed else ()
    step: Expr = make.call("cel.@mapInsert", make.accu(), *key, args[-1])
    if len(args) == 4:
        step = make.call("_?_:_", args[2], step, make.accu())
    init = MapExpr([], position=position)
    return make.fold(target, names, init, make.literal(True), step, make.accu())


def _transform_map(position: int, target: Expr | None, args: list[Expr]) -> Expr:
    return _insert(position, target, args, keyed=True)


def _transform_map_entry(position: int, target: Expr | None, args: list[Expr]) -> Expr:
    return _insert(position, target, args, keyed=False)


def _opt_map(name: str, *, flat: bool) -> Expander:
    def expand(position: int, target: Expr | None, args: list[Expr]) -> Expr:
        assert target is not None
        if not isinstance(args[0], Ident):
            raise MacroError(args[0].position, f"{name}() variable name must be a simple identifier")
        make = _Builder(position)
        body: Expr = make.bind(args[0].name, make.member("value", copy(target)), args[1])
        if not flat:
            body = make.call("optional.of", body)
        return make.call("_?_:_", make.member("hasValue", target), body, make.call("optional.none"))

    return expand


def bind(position: int, target: Expr | None, args: list[Expr]) -> Expr:
    """`cel.bind(name, value, body)`, in the environments that have it."""
    if not isinstance(args[0], Ident):
        raise MacroError(args[0].position, "cel.bind() variable names must be simple identifiers")
    return _Builder(position).bind(args[0].name, args[1], args[2])


def _sort_by(position: int, target: Expr | None, args: list[Expr]) -> Expr:
    assert target is not None
    if isinstance(target, Literal | MapExpr):
        what = "sortBy can only be applied to a list, identifier, comprehension, call or select expression"
        raise MacroError(target.position, what)
    make = _Builder(position)
    keys = _map(position, make.ident(_SORT_INPUT), args)
    return make.bind(_SORT_INPUT, target, make.member("@sortByAssociatedKeys", make.ident(_SORT_INPUT), keys))


#: By name, number of arguments, and whether it is called on a target.
MACROS: dict[tuple[str, int, bool], Expander] = {
    ("has", 1, False): _has,
    ("map", 2, True): _map,
    ("map", 3, True): _map,
    ("filter", 2, True): _filter,
    ("transformList", 3, True): _transform_list,
    ("transformList", 4, True): _transform_list,
    ("transformMap", 3, True): _transform_map,
    ("transformMap", 4, True): _transform_map,
    ("transformMapEntry", 3, True): _transform_map_entry,
    ("transformMapEntry", 4, True): _transform_map_entry,
    ("optMap", 2, True): _opt_map("optMap", flat=False),
    ("optFlatMap", 2, True): _opt_map("optFlatMap", flat=True),
    ("sortBy", 2, True): _sort_by,
    **{
        (name, variables + 1, True): _quantifier(kind, variables)
        for variables in (1, 2)
        for name, kind in (("all", "all"), ("exists", "exists"), ("exists_one", "one"))
    },
    ("existsOne", 3, True): _quantifier("one", 2),
}
