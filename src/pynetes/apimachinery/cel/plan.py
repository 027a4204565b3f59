"""What the planner makes of a node: a closure, and what it costs to run it."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

#: The frame: cost, limit, then values.
Frame = list[Any]
Run = Callable[[Frame], Any]
COST, LIMIT, FIRST = 0, 1, 2


class PlanError(Exception):
    """A constant part of the expression that always fails: the original refuses to make a program of it."""


class Plan(Struct):
    """`cost` is charged by whoever runs it; what depends on values the closure charges itself."""

    run: Run
    cost: int = 0
    constant: bool = False


def constant(value: Any) -> Plan:
    return Plan(lambda frame: value, 0, True)


def charge(plan: Plan) -> Run:
    """The plan's closure, which charges all of its cost: for parts that may not be evaluated."""
    run, cost = plan.run, plan.cost
    if not cost:
        return run

    def charged(frame: Frame) -> Any:
        frame[COST] += cost
        return run(frame)

    return charged
