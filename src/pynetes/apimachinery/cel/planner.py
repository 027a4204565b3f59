"""From a checked tree to closures.

Every node becomes a function of one argument, the frame: a list of the cost so far, the limit, and the values of
variables. What surely is evaluated together has its cost added up while compiling and charged at once, where the
original charges step by step: sums are the same, unless an error that `||` or `&&` swallows ended a term early.

Costs follow the original's interpreter, oddities included: constants and lists of them are free, a name costs one and
so does each step of `a.b[c]`, `has()` gives one back, and so does a name that is a branch of `?:`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pynetes.apimachinery.cel import fast
from pynetes.apimachinery.cel.ast import (
    Call,
    Comprehension,
    Expr,
    Ident,
    ListExpr,
    Literal,
    MapExpr,
    Select,
    StructExpr,
)
from pynetes.apimachinery.cel.calls import (
    applying,
    charging,
    comparing,
    dispatcher,
    is_sure,
    literal_pattern,
    membership,
)
from pynetes.apimachinery.cel.cost import LIST_CREATE, MAP_CREATE, STRUCT_CREATE
from pynetes.apimachinery.cel.declarations import Function
from pynetes.apimachinery.cel.paths import Path, Step, choice, extended, presence
from pynetes.apimachinery.cel.plan import FIRST, Frame, Plan, PlanError, Run, charge, constant
from pynetes.apimachinery.cel.types import DeclType, Type
from pynetes.apimachinery.cel.values import CelError, ObjectValue, Optional, TypeValue, no_such_overload, type_of

_CONVERSIONS = frozenset(("bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp", "type", "uint"))


class Planner:
    """Compiles one tree. `slots` says where in the frame the variables are; locals get places behind them.

    Comprehensions are `fold`'s matter (`folds.plan_fold`).
    """

    def __init__(
        self,
        slots: Mapping[str, int],
        functions: Mapping[str, Function],
        objects: Mapping[str, DeclType],
        fold: "Callable[[Planner, Comprehension], Plan]",
    ) -> None:
        self._slots: dict[str, int] = dict(slots)
        self._fold = fold
        self._functions = functions
        self._objects = objects
        self.size = FIRST + len(slots)

    def local(self, name: str) -> tuple[int, Callable[[], None]]:
        """A place for a local variable, and how to forget the name."""
        place, before = self.size, self._slots.get(name)
        self.size += 1
        self._slots[name] = place

        def forget() -> None:
            if before is None:
                del self._slots[name]
            else:
                self._slots[name] = before

        return place, forget

    def plan(self, node: Expr) -> Plan:
        match node:
            case Literal():
                return constant(node.value)
            case Ident():
                return self._ident(node)
            case Select():
                return self._select(node)
            case Call():
                return self._call(node)
            case ListExpr():
                return self._list(node)
            case MapExpr():
                return self._map(node)
            case StructExpr():
                return self._struct(node)
            case Comprehension():
                return self._fold(self, node)
        raise TypeError(type(node).__name__)

    # --- names and paths

    def _ident(self, node: Ident) -> Plan:
        if node.type_value is not None:
            return constant(TypeValue(node.type_value.name))
        slot = self._slots[node.name]

        def read(frame: Frame) -> Any:
            return frame[slot]

        return Path(read, 1, base=Plan(read))

    def _select(self, node: Select) -> Plan:
        if node.resolved is not None:
            return self._ident(node.resolved)
        operand = self.plan(node.operand)
        key = self._json_name(node.operand.type, node.field)
        if node.test_only:
            return presence(operand, key)
        return extended(operand, Step(key))

    def _json_name(self, t: Type, name: str) -> str:
        """The key in the object that a field's name stands for."""
        if t.kind == "opaque" and t.params:
            t = t.params[0]
        declared = self._objects.get(t.name) if t.kind == "struct" else None
        fields = declared.fields if declared is not None else None
        found = (fields.get(name) or fields.get(f"__{name}__")) if fields else None
        return found.json_name if found is not None else name

    def _index(self, node: Call, *, optional: bool) -> Plan:
        operand, key = self.plan(node.args[0]), self.plan(node.args[1])
        if key.constant:
            return extended(operand, Step(key.run([]), optional=optional))
        return extended(operand, Step(computed=key, optional=optional))

    # --- calls

    def _call(self, node: Call) -> Plan:
        match node.function:
            case "_&&_":
                return self._logic(node, False)
            case "_||_":
                return self._logic(node, True)
            case "_?_:_":
                return self._conditional(node)
            case "_[_]":
                return self._index(node, optional=False)
            case "_[?_]":
                return self._index(node, optional=True)
            case "_?._":
                field_node = node.args[1]
                assert isinstance(field_node, Literal)
                operand = self.plan(node.args[0])
                key = self._json_name(node.args[0].type, field_node.value)
                return extended(operand, Step(key, optional=True))
            case "or" | "orValue" if node.overloads and node.overloads[0].startswith("optional_or"):
                return self._or(node)
        args = [self.plan(arg) for arg in ([node.target] if node.target is not None else []) + node.args]
        if node.function == "@in" and node.overloads == ("in_list",) and args[1].constant:
            return membership(args[0], args[1].run([]))
        planned = self._function(node, args)
        if node.function in _CONVERSIONS and len(args) == 1 and args[0].constant:
            return _folded(planned)
        return planned

    def _logic(self, node: Call, decisive: bool) -> Plan:
        """`decisive` is the value that ends it: errors count only if no term has that value."""
        first, second = (self.plan(arg) for arg in node.args)
        left, right = first.run, charge(second)

        def logic(frame: Frame) -> Any:
            try:
                value = left(frame)
                if value is decisive:
                    return decisive
                if value is not (not decisive):
                    raise no_such_overload()
            except CelError:
                value = right(frame)
                if value is decisive:
                    return decisive
                raise
            value = right(frame)
            if value is True or value is False:
                return value
            raise no_such_overload()

        return Plan(logic, first.cost)

    def _conditional(self, node: Call) -> Plan:
        condition, then, otherwise = (self.plan(arg) for arg in node.args)
        return choice(condition, then, otherwise)

    def _or(self, node: Call) -> Plan:
        assert node.target is not None
        first, second = self.plan(node.target), self.plan(node.args[0])
        left, right, unwrap = first.run, charge(second), node.function == "orValue"

        def either(frame: Frame) -> Any:
            value = left(frame)
            if type(value) is not Optional:
                return value
            if value.has_value:
                return value.value if unwrap else value
            return right(frame)

        return Plan(either, first.cost)

    def _function(self, node: Call, args: list[Plan]) -> Plan:
        function = self._functions[node.function]
        candidates = [function.overload(each) for each in node.overloads]
        single = candidates[0] if len(candidates) == 1 else None
        cost = (single.cost if single is not None else None) or function.cost
        if node.function in ("_==_", "_!=_"):
            cost = function.overloads[0].cost
        special = literal_pattern(node, args) if node.function in ("matches", "find", "findAll") else None
        if special is not None:
            compute: Callable[..., Any] = special
        elif single is not None and single.run is not None and is_sure(node, single):
            compute = single.run
        else:
            compute = dispatcher(node.function, function, candidates)
        total = sum(arg.cost for arg in args)
        runs = tuple(arg.run for arg in args)
        if len(runs) == 2 and node.target is None:
            long = comparing(compute, cost)
            short = fast.relation(node.function, runs[0], runs[1], long)
            if node.function in ("_==_", "_!=_"):
                short = fast.equality(runs[0], runs[1], long, negated=node.function == "_!=_")
            if short is not None:
                return Plan(short, total)
        if cost is None:
            return Plan(applying(compute, runs), total + 1)
        return Plan(charging(compute, runs, cost), total)

    # --- construction

    def _list(self, node: ListExpr) -> Plan:
        elements = [self.plan(each) for each in node.elements]
        runs = [each.run for each in elements]
        cost = sum(each.cost for each in elements)
        if node.optionals:
            return Plan(_list_with_optionals(runs, node.optionals), cost + LIST_CREATE)
        if all(each.constant for each in elements):
            # One list for all evaluations: nothing changes a value.
            return constant([run([]) for run in runs])
        return Plan(lambda frame: [run(frame) for run in runs], cost + LIST_CREATE)

    def _map(self, node: MapExpr) -> Plan:
        parts = [(self.plan(e.key), self.plan(e.value), e.optional) for e in node.entries]
        runs = [(key.run, value.run, optional) for key, value, optional in parts]

        def build(frame: Frame) -> dict[Any, Any]:
            made: dict[Any, Any] = {}
            for key_run, value_run, optional in runs:
                key, value = key_run(frame), value_run(frame)
                if optional:
                    if type(value) is not Optional:
                        raise CelError(f"cannot initialize optional entry '{key}' from non-optional value {value}")
                    if not value.has_value:
                        made.pop(key, None)
                        continue
                    value = value.value
                try:
                    made[key] = value
                except TypeError:
                    raise CelError(f"unsupported key type: {type_of(key).name}") from None
            return made

        if all(key.constant and value.constant for key, value, _ in parts):
            return _folded(Plan(build))
        return Plan(build, sum(key.cost + value.cost for key, value, _ in parts) + MAP_CREATE)

    def _struct(self, node: StructExpr) -> Plan:
        name, fields = node.name, [(f.name, self.plan(f.value), f.optional) for f in node.fields]
        kept = [(self._json_name(node.type, key), value.run, optional) for key, value, optional in fields]

        def build(frame: Frame) -> ObjectValue:
            made: dict[str, Any] = {}
            for key, run, optional in kept:
                value = run(frame)
                if optional:
                    if type(value) is not Optional:
                        raise CelError(f"cannot initialize optional entry '{key}' from non-optional value {value}")
                    if not value.has_value:
                        made.pop(key, None)
                        continue
                    value = value.value
                made[key] = value
            return ObjectValue(name, made)

        return Plan(build, sum(value.cost for _, value, _ in fields) + STRUCT_CREATE)


def _folded(plan: Plan) -> Plan:
    """Computed once, while compiling."""
    try:
        return constant(plan.run([0, 1 << 64]))
    except CelError as error:
        raise PlanError(str(error)) from None


def _list_with_optionals(runs: Sequence[Run], optionals: frozenset[int]) -> Run:
    def build(frame: Frame) -> list[Any]:
        made: list[Any] = []
        for i, run in enumerate(runs):
            value = run(frame)
            if i in optionals:
                if type(value) is not Optional:
                    raise CelError(f"cannot initialize optional list element from non-optional value {value}")
                if not value.has_value:
                    continue
                value = value.value
            made.append(value)
        return made

    return build
