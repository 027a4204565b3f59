"""The environment of Kubernetes 1.36, and compiling expressions in it."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from msgspec import Struct

from pynetes.apimachinery.cel import estimate as estimation
from pynetes.apimachinery.cel import validators
from pynetes.apimachinery.cel.ast import Expr, Ident, Select, children
from pynetes.apimachinery.cel.checker import Checker
from pynetes.apimachinery.cel.cost import Range, Sizes, no_sizes
from pynetes.apimachinery.cel.declarations import Function, functions
from pynetes.apimachinery.cel.folds import plan_fold
from pynetes.apimachinery.cel.library import (
    addresses,
    authz,
    collections,
    conversions,
    formats,
    lists,
    quantities,
    regexes,
    semvers,
    standard,
    strings,
    times,
    urls,
)
from pynetes.apimachinery.cel.parser import parse
from pynetes.apimachinery.cel.plan import FIRST, charge
from pynetes.apimachinery.cel.planner import Planner
from pynetes.apimachinery.cel.source import Source
from pynetes.apimachinery.cel.types import DeclType, Type
from pynetes.apimachinery.cel.values import BudgetExceededError, CelError

#: Of one evaluation of one expression.
PER_CALL_LIMIT = 1_000_000
#: Of all expressions of one object or policy binding.
RUNTIME_COST_BUDGET = 10_000_000
#: Of all match conditions of one webhook or policy.
MATCH_CONDITIONS_BUDGET = 2_500_000
MAX_MESSAGE_BYTES = 5 * 1024
#: An object type from its name; None if there is no such type.
Resolve = Callable[[str], DeclType | None]
_TOO_DEEP = "expression recursion limit exceeded: 250"


@cache
def base_functions() -> dict[str, Function]:
    """All functions that expressions of every kind can call."""
    libraries = (
        *(standard, conversions, times, urls, regexes, lists, strings, authz, quantities, collections),
        *(addresses, formats, semvers),
    )
    return functions(*(function for library in libraries for function in library.declared()))


class Outcome(Struct):
    """Of one evaluation: the value or what went wrong, and what it cost in either case."""

    value: Any
    cost: int
    error: CelError | BudgetExceededError | None = None


class Program:
    """A compiled expression, to be evaluated any number of times."""

    __slots__ = ("_names", "_padding", "_run")

    def __init__(self, compiled: "Compiled") -> None:
        """PlanError if a constant part of it always fails."""
        environment = compiled.environment
        self._names = tuple(environment.variables)
        slots = {name: FIRST + i for i, name in enumerate(self._names)}
        planner = Planner(slots, environment.functions, environment.objects, plan_fold)
        self._run = charge(planner.plan(compiled.tree))
        self._padding = (None,) * (planner.size - FIRST - len(slots))

    def evaluate(self, values: Mapping[str, Any], limit: int = PER_CALL_LIMIT) -> Outcome:
        """`values` has every variable of the environment. More than `limit` is an error."""
        frame: list[Any] = [0, limit, *[values[name] for name in self._names], *self._padding]
        try:
            value = self._run(frame)
        except CelError as error:
            return Outcome(None, frame[0], error)
        except BudgetExceededError as error:
            return Outcome(None, max(frame[0], limit + 1), error)
        except RecursionError:
            return Outcome(None, frame[0], CelError(_TOO_DEEP))
        if frame[0] > limit:
            return Outcome(None, frame[0], BudgetExceededError())
        return Outcome(value, frame[0])


class Compiled(Struct):
    """A checked expression. `type` is that of its value."""

    environment: "Environment"
    tree: Expr

    @property
    def type(self) -> Type:
        return self.tree.type

    def program(self) -> Program:
        return Program(self)

    def estimate(self, sizes: Sizes = no_sizes) -> Range:
        """The least and the most that an evaluation costs."""
        return estimation.estimate(self.tree, self.environment.functions, sizes)

    def uses(self, name: str) -> bool:
        """Whether the expression refers to the variable."""
        pending = [self.tree]
        while pending:
            node = pending.pop()
            if isinstance(node, Select) and node.resolved is not None:
                node = node.resolved
            if isinstance(node, Ident) and node.name == name:
                return True
            pending += children(node)
        return False


class _Objects(dict[str, DeclType]):
    """Object types by name, with more that are made when they are asked for."""

    def __init__(self, known: Mapping[str, DeclType], resolve: Resolve) -> None:
        super().__init__(known)
        self._resolve = resolve

    def __missing__(self, name: str) -> DeclType:
        found = self._resolve(name)
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (isinstance(name, str) and self._resolve(name) is not None)

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default


class Environment:
    """Variables with their types, and the functions of the base environment with, perhaps, more.

    A variable's type is a `DeclType` if it is declared by a schema; the objects in it must have names (`named`).
    `objects` are further types that expressions can make; `resolve` knows some by their names alone; `binds` says that
    `cel.bind` gives a name to a value.
    """

    def __init__(
        self,
        variables: Mapping[str, Type | DeclType],
        *,
        objects: Iterable[DeclType] = (),
        more: Iterable[Function] = (),
        resolve: Resolve | None = None,
        binds: bool = False,
    ) -> None:
        declared = [t for t in variables.values() if isinstance(t, DeclType)]
        self.variables = {name: t.type if isinstance(t, DeclType) else t for name, t in variables.items()}
        self.objects = {each.type.name: each for t in (*declared, *objects) for each in t.objects()}
        if resolve is not None:
            self.objects = _Objects(self.objects, resolve)
        self._binds = binds
        self.functions = base_functions()
        extra = list(more)
        if extra:
            self.functions = functions(*self.functions.values(), *extra)

    def compile(self, text: str) -> Compiled:
        """The checked expression; CompileError with the original's text."""
        source = Source(text)
        tree = parse(source, binds=self._binds)
        try:
            Checker(source, self.variables, standard.TYPE_NAMES, self.objects, self.functions).check(tree)
            source.check()
            validators.validate(source, tree)
        except RecursionError:
            source.report(-1, _TOO_DEEP)
        source.check()
        return Compiled(self, tree)
