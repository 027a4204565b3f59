"""Comprehensions as loops.

The original folds with an accumulator, step by step, and so are its costs; here each kind is a loop of its own, and
what the steps would have cost is charged as a constant per round.
"""

from collections.abc import Callable, Iterable
from typing import Any

from pynetes.apimachinery.cel.ast import Call, Comprehension, Expr, ListExpr
from pynetes.apimachinery.cel.cost import LIST_CREATE
from pynetes.apimachinery.cel.library.collections import insert_into, merge_into
from pynetes.apimachinery.cel.plan import COST, LIMIT, Frame, Plan, Run, charge
from pynetes.apimachinery.cel.planner import Planner
from pynetes.apimachinery.cel.values import (
    LISTS,
    BudgetExceededError,
    CelError,
    go_name,
    no_such_overload,
    type_of,
)

#: Binds the loop's variables to the next element.
Bind = Callable[[Frame, Any], None]


def plan_fold(planner: Planner, node: Comprehension) -> Plan:
    if node.is_bind:
        return _bind(planner, node)
    over = planner.plan(node.iter_range)
    first, forget_first = planner.local(node.iter_var)
    second, forget_second = planner.local(node.iter_var2) if node.iter_var2 else (0, _nothing)
    made = _loop(planner, node, over.run, _Binding(first, second))
    forget_second()
    forget_first()
    return Plan(made.run, over.cost + made.cost)


def _nothing() -> None:
    """There is no second variable."""


class _Binding:
    """Where the loop's variables are, and what they are bound to."""

    def __init__(self, first: int, second: int) -> None:
        self._first, self._second = first, second

    def rounds(self, value: Any) -> Iterable[Any]:
        if type(value) in LISTS:
            return enumerate(value) if self._second else value
        if type_of(value).kind == "map":
            return list(value.items()) if self._second else list(value)
        if self._second:
            raise CelError(f"unsupported comprehension range type: {go_name(value)}")
        raise CelError(f"got '{go_name(value)}', expected iterable type")

    def setter(self) -> Bind:
        first, second = self._first, self._second
        if second:

            def both(frame: Frame, item: Any) -> None:
                frame[first], frame[second] = item

            return both

        def one(frame: Frame, item: Any) -> None:
            frame[first] = item

        return one


def _loop(planner: Planner, node: Comprehension, over: Run, binding: _Binding) -> Plan:
    step = node.step
    assert isinstance(step, Call)
    match step.function:
        case "_&&_":
            return Plan(_quantifier(planner.plan(step.args[1]), over, binding, False, 2))
        case "_||_":
            return Plan(_quantifier(planner.plan(step.args[1]), over, binding, True, 3))
    condition: Expr | None = None
    if step.function == "_?_:_":
        condition, inner = step.args[0], step.args[1]
        assert isinstance(inner, Call)
        step = inner
    planned = planner.plan(condition) if condition is not None else None
    if step.function == "cel.@mapInsert":
        return Plan(_inserting(planner, step, planned, over, binding), 1)
    element = step.args[1]
    if isinstance(element, ListExpr):
        return Plan(_appending(planner.plan(element.elements[0]), planned, over, binding), 1)
    assert planned is not None
    return Plan(_counting(planned, over, binding), 2)


def _quantifier(predicate: Plan, over: Run, binding: _Binding, decisive: bool, condition_cost: int) -> Run:
    """`all` (decided by false) and `exists` (by true). Errors count only if nothing decides."""
    run, rounds, bind = predicate.run, binding.rounds, binding.setter()
    # Each round: the condition on the accumulator, the accumulator in the step, the predicate.
    cost = condition_cost + 1 + predicate.cost

    def fold(frame: Frame) -> Any:
        frame[COST] += 1
        error: CelError | None = None
        items = over(frame)
        total = len(items) if hasattr(items, "__len__") else 0
        done = 0
        for item in rounds(items):
            bind(frame, item)
            frame[COST] += cost
            if frame[COST] > frame[LIMIT]:
                raise BudgetExceededError
            done += 1
            try:
                value = run(frame)
            except CelError as raised:
                error = error or raised
                continue
            if value is True or value is False:
                if value is not decisive:
                    continue
                # The condition is looked at once more, unless this was the last.
                frame[COST] += condition_cost if done < total else 0
                return decisive
            error = error or no_such_overload()
        if error is not None:
            raise error
        return not decisive

    return fold


def _counting(predicate: Plan, over: Run, binding: _Binding) -> Run:
    """`exists_one`."""
    run, cost, rounds, bind = predicate.run, predicate.cost, binding.rounds, binding.setter()

    def fold(frame: Frame) -> bool:
        count = 0
        for item in rounds(over(frame)):
            bind(frame, item)
            frame[COST] += cost
            if frame[COST] > frame[LIMIT]:
                raise BudgetExceededError
            if _truth(run(frame)):
                count += 1
                frame[COST] += 2
        return count == 1

    return fold


def _truth(value: Any) -> bool:
    if value is True or value is False:
        return bool(value)
    raise no_such_overload()


def _appending(element: Plan, condition: Plan | None, over: Run, binding: _Binding) -> Run:
    """`map`, `filter`, `transformList`."""
    run, rounds, bind = element.run, binding.rounds, binding.setter()
    cost = element.cost + (0 if element.constant else LIST_CREATE) + 2
    test, test_cost = (condition.run, condition.cost) if condition is not None else (None, 0)

    def fold(frame: Frame) -> list[Any]:
        made: list[Any] = []
        for item in rounds(over(frame)):
            bind(frame, item)
            frame[COST] += test_cost
            if frame[COST] > frame[LIMIT]:
                raise BudgetExceededError
            if test is None or _truth(test(frame)):
                frame[COST] += cost
                made.append(run(frame))
        return made

    return fold


def _inserting(planner: Planner, step: Call, condition: Plan | None, over: Run, binding: _Binding) -> Run:
    """`transformMap`, `transformMapEntry`."""
    parts = [planner.plan(arg) for arg in step.args[1:]]
    rounds, bind = binding.rounds, binding.setter()
    cost = sum(part.cost for part in parts) + 2
    test, test_cost = (condition.run, condition.cost) if condition is not None else (None, 0)
    runs = [part.run for part in parts]

    def fold(frame: Frame) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        for item in rounds(over(frame)):
            bind(frame, item)
            frame[COST] += test_cost
            if frame[COST] > frame[LIMIT]:
                raise BudgetExceededError
            if test is None or _truth(test(frame)):
                frame[COST] += cost
                values = [run(frame) for run in runs]
                if len(values) == 2:
                    insert_into(made, *values)
                else:
                    merge_into(made, values[0])
        return made

    return fold


def _bind(planner: Planner, node: Comprehension) -> Plan:
    """A name for a value, which is computed when it is first needed, or, here, at once."""
    value = planner.plan(node.accu_init)
    place, forget = planner.local(node.accu_var)
    body = planner.plan(node.result)
    forget()
    compute, run = value.run, charge(body)

    def bound(frame: Frame) -> Any:
        frame[place] = compute(frame)
        return run(frame)

    return Plan(bound, value.cost)
