"""Functions as an environment knows them: overloads, what they compute, and what that costs."""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct, field

from pynetes.apimachinery.cel.cost import CallEstimate, Estimator, Node
from pynetes.apimachinery.cel.types import Type
from pynetes.apimachinery.cel.unify import params_of
from pynetes.apimachinery.cel.values import LISTS, type_of

#: What a call cost, from its arguments (the target first) and its result.
RuntimeCost = Callable[[Sequence[Any], Any], int]
#: What a call can cost, from its target and arguments; None leaves it to the default.
StaticCost = Callable[[Estimator, Node | None, Sequence[Node]], CallEstimate | None]


class Overload(Struct, frozen=True):
    """`args` begins with the target if it is a `member`. `run` takes the arguments' values and raises CelError."""

    id: str
    args: tuple[Type, ...]
    result: Type
    run: Callable[..., Any] | None = None
    member: bool = False
    cost: RuntimeCost | None = None
    estimate: StaticCost | None = None

    def accepts(self, values: Sequence[Any]) -> bool:
        """Whether the values are of the overload's types, as far as a look at them can tell."""
        return len(values) == len(self.args) and all(map(fits, self.args, values))


class Function(Struct):
    """All overloads of a name. `cost` and `estimate` hold for those that have none of their own."""

    name: str
    overloads: list[Overload] = field(default_factory=list)
    cost: RuntimeCost | None = None
    estimate: StaticCost | None = None

    def params(self, overload: Overload) -> list[str]:
        return params_of((*overload.args, overload.result))

    def overload(self, overload_id: str) -> Overload:
        return next(each for each in self.overloads if each.id == overload_id)


def fits(t: Type, value: Any) -> bool:
    """Of lists and maps the first element tells for all."""
    kind = t.kind
    if kind in ("dyn", "any", "param"):
        return True
    if kind == "list":
        return type(value) in LISTS and (not value or fits(t.params[0], value[0]))
    actual = type_of(value)
    if kind == "map":
        return actual.kind == "map"
    if kind in ("opaque", "struct"):
        return actual.name == t.name or (kind == "struct" and actual.kind == "map")
    return actual.kind == kind


def functions(*declared: Function) -> dict[str, Function]:
    """By name; overloads of functions that share a name are put together."""
    found: dict[str, Function] = {}
    for each in declared:
        present = found.get(each.name)
        if present is None:
            found[each.name] = Function(each.name, list(each.overloads), each.cost, each.estimate)
            continue
        known = {overload.id for overload in present.overloads}
        present.overloads += [overload for overload in each.overloads if overload.id not in known]
        present.cost = present.cost or each.cost
        present.estimate = present.estimate or each.estimate
    return found
