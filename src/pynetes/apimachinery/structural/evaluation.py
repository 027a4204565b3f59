"""Validation rules run against objects, all that a schema and the schemas within it say.

`oldSelf` is found by correlation: fields by name, items of map lists by their keys. All rules of one object share a
budget. What has not changed since the old object is only warned of, but for rules that look at the old one.
"""

from collections.abc import Callable
from typing import Any

from msgspec import Struct, field

from pynetes.apimachinery.cel import schema as cel_schema
from pynetes.apimachinery.cel.environment import MAX_MESSAGE_BYTES, PER_CALL_LIMIT, RUNTIME_COST_BUDGET
from pynetes.apimachinery.cel.escaping import escape
from pynetes.apimachinery.cel.types import DeclType
from pynetes.apimachinery.cel.values import BudgetExceededError, CelError, Optional
from pynetes.apimachinery.errors import (
    OMITTED,
    FieldError,
    duplicate,
    field_forbidden,
    invalid_value,
    required,
)
from pynetes.apimachinery.structural.correlation import Correlated, item_key, keyed
from pynetes.apimachinery.structural.nodes import (
    EMBEDDED,
    LIST_TYPE,
    VALIDATIONS,
    Schema,
    additional,
    items,
    properties,
    walk,
)
from pynetes.apimachinery.structural.rules import CompiledRule, compile_rules

_OUT_OF_BUDGET = "validation failed due to running out of cost budget, no further validation rules will be run"
_CALL_LIMIT = "no further validation rules will be run due to call cost exceeds limit for"


class Run(Struct):
    """One validation: the budget that is left (negative: nothing more is run), errors, and what is only warned of."""

    budget: int = RUNTIME_COST_BUDGET
    errors: list[FieldError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class _Ratchet(Struct, frozen=True):
    """Where the value stands among old ones: its own correlation, or that of the nearest value around it."""

    own: Correlated | None = None
    around: Correlated | None = None

    @property
    def unchanged(self) -> bool:
        found = self.own if self.own is not None else self.around
        return found is not None and found.unchanged

    def key(self, name: str) -> "_Ratchet":
        if self.own is None:
            return self
        if self.around is None and name in ("apiVersion", "kind"):
            return _Ratchet()
        return _Ratchet(self.own.key(name), self.own)

    def index(self, index: int) -> "_Ratchet":
        return self if self.own is None else _Ratchet(self.own.index(index), self.own)


class Rules:
    """The rules of a schema and of all within it."""

    def __init__(self, schema: Schema, kind: DeclType | None, spine: Schema, *, root: bool) -> None:
        """`schema` says the rules, `spine` the structure: they differ within `allOf`."""
        self._spine = spine
        self._compiled: list[CompiledRule] = []
        self.problem = ""
        if schema.get(VALIDATIONS):
            if kind is None:
                self.problem = "failed to convert to declType for CEL validation rules"
            else:
                self._compiled = compile_rules({**spine, VALIDATIONS: schema[VALIDATIONS]}, kind)
        value_schema = cel_schema.with_object_meta(spine) if root else spine
        self._convert = cel_schema.converter(value_schema)
        self._properties = _of_properties(schema, kind, spine)
        self._values = _below(additional(schema), additional(spine), kind)
        self._items = _below(items(schema), items(spine), kind)
        self._all = [
            made for branch in schema.get("allOf") or () if (made := _make(branch, kind, spine, root=root)) is not None
        ]

    @property
    def empty(self) -> bool:
        own = self._compiled or self.problem
        return not (own or self._properties or self._values or self._items or self._all)

    def validate(self, value: Any, old: Any, path: str, ratchet: _Ratchet, run: Run) -> None:
        if value is None:
            return
        self._run_own(value, old, path, ratchet, run)
        for branch in self._all:
            if run.budget < 0:
                return
            branch.validate(value, old, path, _Ratchet(None, ratchet.around), run)
        if run.budget < 0:
            return
        if isinstance(value, list):
            self._run_items(value, old if isinstance(old, list) else [], path, ratchet, run)
        elif isinstance(value, dict):
            self._run_fields(value, old if isinstance(old, dict) else {}, path, ratchet, run)

    def _run_fields(self, value: Schema, old: Schema, path: str, ratchet: _Ratchet, run: Run) -> None:
        if self._values is not None:
            for name, item in value.items():
                self._values.validate(item, old.get(name), f"{path}[{name}]", ratchet.key(name), run)
                if run.budget < 0:
                    return
        for name, rules in self._properties.items():
            if name in value:
                inner = f"{path}.{name}" if path else name
                rules.validate(value[name], old.get(name), inner, ratchet.key(name), run)
                if run.budget < 0:
                    return

    def _run_items(self, value: list[Any], old: list[Any], path: str, ratchet: _Ratchet, run: Run) -> None:
        if self._items is None:
            return
        before = keyed(old, self._spine) if self._spine.get(LIST_TYPE) == "map" else {}
        for i, item in enumerate(value):
            key = item_key(item, self._spine) if before else None
            earlier = before.get(key) if key is not None else None
            self._items.validate(item, earlier, f"{path}[{i}]", ratchet.index(i), run)
            if run.budget < 0:
                return

    # --- the node's own

    def _run_own(self, value: Any, old: Any, path: str, ratchet: _Ratchet, run: Run) -> None:
        kind = self._spine.get("type") or ""
        where = path or "<nil>"
        if self.problem:
            run.errors.append(invalid_value(where, kind, f"rule compiler initialization error: {self.problem}"))
            return
        if not self._compiled:
            return
        if run.budget <= 0:
            run.errors.append(invalid_value(where, kind, _OUT_OF_BUDGET))
            run.budget = -1
            return
        convert = self._convert
        shown = convert(value) if convert else value
        before = (convert(old) if convert else old) if old is not None else None
        for compiled in self._compiled:
            if compiled.error:
                run.errors.append(invalid_value(where, kind, f"rule compile error: {compiled.error}"))
                continue
            if compiled.program is None or (compiled.transition and old is None and not compiled.optional):
                continue
            earlier = (Optional(before) if old is not None else Optional(has=False)) if compiled.optional else before
            values = {"self": shown, "oldSelf": earlier}
            self._run_rule(compiled, values, value, path, ratchet, run)
            if run.budget < 0:
                return

    def _run_rule(
        self, compiled: CompiledRule, values: Schema, value: Any, path: str, ratchet: _Ratchet, run: Run
    ) -> None:
        assert compiled.program is not None
        kind, where = self._spine.get("type") or "", path or "<nil>"
        outcome = compiled.program.evaluate(values, PER_CALL_LIMIT)
        if outcome.cost > run.budget:
            run.errors.append(invalid_value(where, kind, _OUT_OF_BUDGET))
            run.budget = -1
            return
        run.budget -= outcome.cost
        if outcome.error is not None:
            text, ends = _failure(outcome.error, compiled)
            run.errors.append(invalid_value(where, kind, text))
            if ends:
                run.budget = -1
            return
        if outcome.value is True:
            return
        inner = (
            f"{path}{'' if compiled.path.startswith('[') or not path else '.'}{compiled.path}"
            if compiled.path
            else where
        )
        error = self._error(compiled, values, value, inner, run)
        if not compiled.transition and ratchet.unchanged:
            run.warnings.append(str(error))
        else:
            run.errors.append(error)

    def _error(self, compiled: CompiledRule, values: Schema, value: Any, where: str, run: Run) -> FieldError:
        detail = _default_message(compiled)
        if compiled.message is not None:
            said, ends = _message(compiled, values, run)
            if ends:
                run.budget = -1
                return invalid_value(where, self._spine.get("type") or "", said)
            detail = said or detail
        shown = value if self._spine.get("type") not in ("object", "array") else OMITTED
        return _REASONS.get(compiled.rule.get("reason") or "", invalid_value)(where, shown, detail)


_Reason = Callable[[str, Any, str], FieldError]
_REASONS: dict[str, _Reason] = {
    "FieldValueForbidden": lambda where, value, detail: field_forbidden(where, detail),
    "FieldValueRequired": lambda where, value, detail: required(where, detail),
    "FieldValueDuplicate": lambda where, value, detail: duplicate(where, value),
    "FieldValueInvalid": invalid_value,
}


def _failure(error: CelError | BudgetExceededError, compiled: CompiledRule) -> tuple[str, bool]:
    """What is said of an evaluation that failed, and whether it ends the whole."""
    if isinstance(error, BudgetExceededError):
        return f"'{error}': {_CALL_LIMIT} rule: {compiled.text}", True
    if str(error).startswith("no such overload"):
        text = "call arguments did not match a supported operator, function or macro signature for rule"
        return f"'{error}': {text}: {compiled.text}", False
    return f"{error} evaluating rule: {compiled.text}", False


def _default_message(compiled: CompiledRule) -> str:
    message = compiled.rule.get("message") or ""
    return message.strip() if message else f"failed rule: {compiled.text}"


def _message(compiled: CompiledRule, values: Schema, run: Run) -> tuple[str, bool]:
    """The text that messageExpression gives (empty: the default one stands), and whether it ends the whole."""
    assert compiled.message is not None
    outcome = compiled.message.evaluate(values, PER_CALL_LIMIT)
    if outcome.cost > run.budget:
        text = "messageExpression evaluation failed due to running out of cost budget"
        return f"{text}, no further validation rules will be run", True
    if isinstance(outcome.error, BudgetExceededError):
        return f'{_CALL_LIMIT} messageExpression: "{compiled.rule["messageExpression"]}"', True
    run.budget -= outcome.cost
    text = outcome.value.strip() if isinstance(outcome.value, str) and outcome.error is None else ""
    return ("" if len(text) > MAX_MESSAGE_BYTES or "\n" in text else text), False


# --- building


def _of_properties(schema: Schema, kind: DeclType | None, spine: Schema) -> dict[str, Rules]:
    out: dict[str, Rules] = {}
    for name, child in properties(schema).items():
        own = properties(spine).get(name)
        if own is None:
            continue
        identifier = escape(name)
        if identifier is None:
            inner = cel_schema.declare(own, resource_root=bool(own.get(EMBEDDED)))
        else:
            found = (kind.fields or {}).get(identifier) if kind is not None else None
            inner = found.type if found is not None else None
        if inner is not None:
            made = _make(child, inner, own, root=bool(own.get(EMBEDDED)))
            if made is not None:
                out[name] = made
    return out


def _below(schema: Schema | None, spine: Schema | None, kind: DeclType | None) -> Rules | None:
    """The rules of a list's items or a map's values."""
    if schema is None or spine is None:
        return None
    return _make(schema, kind.element if kind is not None else None, spine, root=bool(spine.get(EMBEDDED)))


def _make(schema: Schema, kind: DeclType | None, spine: Schema, *, root: bool) -> Rules | None:
    made = Rules(schema, kind, spine, root=root)
    return None if made.empty else made


def has_rules(schema: Schema) -> bool:
    return any(node.get(VALIDATIONS) for node in walk(schema))


def rules_of(schema: Schema, *, root: bool = True) -> Rules | None:
    """All rules of objects (`root`) or other values with the schema; None if there are none."""
    if not has_rules(schema):
        return None
    return _make(schema, cel_schema.declare(schema, resource_root=root), schema, root=root)


def run_rules(
    rules: Rules, value: Any, old: Any, schema: Schema, path: str = "", *, budget: int = RUNTIME_COST_BUDGET
) -> Run:
    """`old` is None where there was nothing before."""
    run = Run(budget)
    ratchet = _Ratchet(Correlated(value, old, schema)) if old is not None else _Ratchet()
    rules.validate(value, old, path, ratchet, run)
    return run
