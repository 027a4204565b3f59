"""`a.b[c].?d` and `c ? a : b`: paths grow step by step while planning, also through the branches of a choice."""

from typing import Any

from msgspec import Struct, field

from pynetes.apimachinery.cel.attributes import find, is_present, missing_key, through
from pynetes.apimachinery.cel.plan import COST, Frame, Plan, Run, charge, constant
from pynetes.apimachinery.cel.values import ABSENT, NONE, Optional, no_such_overload


class Step(Struct):
    """One step of a path: a constant key, or one that is computed."""

    key: Any = None
    computed: Plan | None = None
    optional: bool = False


class Path(Plan):
    """`a.b.c`: still open for further steps."""

    base: Plan = field(default_factory=lambda: constant(None))
    steps: tuple[Step, ...] = ()


class Choice(Plan):
    """`c ? a : b`, whose branches take further steps."""

    condition: Plan = field(default_factory=lambda: constant(None))
    branches: tuple[Plan, Plan] = field(default_factory=lambda: (constant(None), constant(None)))


def extended(operand: Plan, step: Step) -> Plan:
    if isinstance(operand, Choice):
        first, second = operand.branches
        return choice(operand.condition, extended(first, step), extended(second, step))
    if isinstance(operand, Path):
        return _path(operand.base, (*operand.steps, step))
    return _path(operand, (step,))


def _path(base: Plan, steps: tuple[Step, ...]) -> Path:
    """The base costs its own, one for the path, and one a step; a key that is a name is paid by its step."""
    cost = base.cost + 1
    optional = False
    for step in steps:
        optional = optional or step.optional
        if step.computed is not None:
            cost += step.computed.cost - (1 if isinstance(step.computed, Path) else 0)
        # Of optional steps only those that find something are charged, when they do.
        cost += 0 if optional else 1
    return Path(_walk(base.run, steps), cost, base=base, steps=steps)


def _walk(base: Run, steps: tuple[Step, ...]) -> Run:
    if any(step.optional for step in steps):
        return _walk_optional(base, steps)
    keys = tuple(step.key for step in steps)
    if all(step.computed is None for step in steps):
        if all(type(key) is str for key in keys):
            return _walk_names(base, keys)
        return lambda frame: through(base(frame), keys)
    computed = tuple((step.key, step.computed.run if step.computed is not None else None) for step in steps)

    def walk(frame: Frame) -> Any:
        value = base(frame)
        return through(value, tuple(key if run is None else run(frame) for key, run in computed))

    return walk


def _walk_names(base: Run, keys: tuple[str, ...]) -> Run:
    """The usual case: nested dicts."""
    if len(keys) == 1:
        (only,) = keys

        def one(frame: Frame) -> Any:
            value = base(frame)
            try:
                return value[only]
            except KeyError:
                raise missing_key(only) from None
            except TypeError:
                return through(value, keys)

        return one
    if len(keys) == 2:
        first, second = keys

        def two(frame: Frame) -> Any:
            value = base(frame)
            try:
                return value[first][second]
            except (KeyError, TypeError):
                return through(value, keys)

        return two

    def many(frame: Frame) -> Any:
        value = found = base(frame)
        try:
            for key in keys:
                found = found[key]
        except (KeyError, TypeError):
            return through(value, keys)
        return found

    return many


def _walk_optional(base: Run, steps: tuple[Step, ...]) -> Run:
    parts = tuple((s.key, s.computed.run if s.computed is not None else None, s.optional) for s in steps)

    def walk(frame: Frame) -> Optional:
        value, optional = base(frame), False
        for key, run, asked in parts:
            if type(value) is Optional:
                if not value.has_value:
                    return NONE
                optional, value = True, value.value
            optional = optional or asked
            at = key if run is None else run(frame)
            if not optional:
                value = through(value, (at,))
                continue
            value = find(value, at)
            if value is ABSENT:
                return NONE
            frame[COST] += 1
        return value if type(value) is Optional else Optional(value)

    return walk


def choice(condition: Plan, then: Plan, otherwise: Plan) -> Choice:
    test = condition.run
    yes, no = (charge(_branch(plan)) for plan in (then, otherwise))

    def choose(frame: Frame) -> Any:
        value = test(frame)
        if value is True:
            return yes(frame)
        if value is False:
            return no(frame)
        raise no_such_overload()

    return Choice(choose, condition.cost, condition=condition, branches=(then, otherwise))


def _branch(plan: Plan) -> Plan:
    """As a branch, a path costs only its steps."""
    return Plan(plan.run, plan.cost - 1) if isinstance(plan, Path) else plan


def presence(operand: Plan, key: str) -> Plan:
    """`has(operand.key)`."""
    run = operand.run
    # The step costs one, and the whole path gets one back.
    cost = operand.cost if isinstance(operand, Path) else operand.cost + 1

    def has(frame: Frame) -> bool:
        value = run(frame)
        if type(value) is dict:
            return key in value
        if type(value) is Optional:
            return bool(value.has_value) and is_present(value.value, key)
        return is_present(value, key)

    return Plan(has, cost)
