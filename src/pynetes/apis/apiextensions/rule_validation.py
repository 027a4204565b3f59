"""Validation of rules in a schema: whether they compile, what they may cost, whether `oldSelf` can be found."""

from typing import TYPE_CHECKING

from msgspec import Struct, field

from pynetes.apimachinery.errors import FieldError, field_forbidden
from pynetes.apimachinery.structural.nodes import EMBEDDED, VALIDATIONS, Schema, additional
from pynetes.apis.apiextensions import internal
from pynetes.apis.field_errors import FieldErrors

if TYPE_CHECKING:
    from pynetes.apimachinery.cel.types import DeclType
    from pynetes.apimachinery.structural.rules import CompiledRule

_RULE_LIMIT = 10_000_000
_SCHEMA_LIMIT = 100_000_000
_MAX = 2**64 - 1
_ADVICE = (
    "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are "
    "declared)"
)


class CostTally(Struct):
    """What all rules of a schema may cost together, and which of them contribute most."""

    total: int = 0
    expensive: list[tuple[int, str]] = field(default_factory=list)

    def add(self, path: str, cost: int) -> None:
        self.total = min(self.total + cost, _MAX)
        if cost >= _SCHEMA_LIMIT // 100:
            self.expensive = sorted([*self.expensive, (cost, path)], key=lambda each: -each[0])[:4]

    def errors(self, path: str) -> list[FieldError]:
        if self.total <= _SCHEMA_LIMIT:
            return []
        text = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"
        whole = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema"
        return [
            *(field_forbidden(where, text) for _, where in self.expensive),
            field_forbidden(path, exceeded(whole, self.total, _SCHEMA_LIMIT)),
        ]


class RuleContext(Struct):
    """A node's type and how often it can occur (None: as often as the request has room for)."""

    schema: Schema
    kind: "DeclType | None"
    cardinality: int | None
    tally: CostTally
    suppress_cost: bool

    @classmethod
    def root(cls, schema: Schema, *, suppress_cost: bool) -> "RuleContext":
        from pynetes.apimachinery.structural.nodes import walk

        kind = _declare(schema, True) if any(node.get(VALIDATIONS) for node in walk(schema)) else None
        return cls(schema, kind, 1, CostTally(), suppress_cost)

    def property(self, child: Schema, name: str) -> "RuleContext":
        from pynetes.apimachinery.cel.escaping import escape

        identifier = escape(name)
        found = (self.kind.fields or {}).get(identifier) if self.kind is not None and identifier is not None else None
        return self._below(child, found.type if found is not None else None)

    def values(self, child: Schema) -> "RuleContext":
        return self._below(child, self.kind.element if self.kind is not None else None)

    items = values

    def _below(self, child: Schema, kind: "DeclType | None") -> "RuleContext":
        if kind is None and child.get(VALIDATIONS):
            kind = _declare(child, bool(child.get(EMBEDDED)))
        most = _max_elements(self.schema)
        cardinality = None if self.cardinality is None or most is None else _times(self.cardinality, most)
        return RuleContext(child, kind, cardinality, self.tally, self.suppress_cost)


def _declare(schema: Schema, root: bool) -> "DeclType | None":
    from pynetes.apimachinery.cel.schema import declare

    return declare(schema, resource_root=root)


def _max_elements(schema: Schema) -> int | None:
    """How often what is within can occur for each occurrence of this; None if nothing bounds it."""
    if schema.get("type") == "object" and additional(schema) is not None:
        most = schema.get("maxProperties")
    elif schema.get("type") == "array":
        most = schema.get("maxItems")
    else:
        return 1
    return None if most is None else max(most, 0)


def _times(cost: int, count: int) -> int:
    return min(cost * count, _MAX)


def validate_rules(found: FieldErrors, schema: Schema, path: str, context: RuleContext, uncorrelated: str) -> None:
    """`uncorrelated` is the path of the list or map above within which an old value cannot be found."""
    from pynetes.apimachinery.cel.schema import max_cardinality
    from pynetes.apimachinery.structural.rules import compile_rules

    where = f"{path}.{VALIDATIONS}"
    if context.kind is None:
        text = "internal error: failed to construct type information for x-kubernetes-validations rules: unable to "
        found.append(FieldError("InternalError", where, None, f"{text}convert structural schema to CEL declarations"))
        return
    times = context.cardinality if context.cardinality is not None else max_cardinality(context.kind.min_size)
    for i, compiled in enumerate(compile_rules(schema, context.kind)):
        _validate_rule(found, compiled, f"{where}[{i}]", context, times, uncorrelated)


def _validate_rule(
    found: FieldErrors, compiled: "CompiledRule", path: str, context: RuleContext, times: int, uncorrelated: str
) -> None:
    cost = _times(compiled.max_cost, times)
    if cost > _RULE_LIMIT and not context.suppress_cost:
        found.forbidden(f"{path}.rule", exceeded("estimated rule cost", cost, _RULE_LIMIT))
    context.tally.add(f"{path}.rule", cost)
    if compiled.error:
        found.invalid(f"{path}.rule", internal.rule(compiled.rule), compiled.error)
    if compiled.message_error:
        found.invalid(f"{path}.messageExpression", internal.rule(compiled.rule), compiled.message_error)
    elif compiled.message is not None:
        of_message = compiled.message_max_cost
        if of_message > _RULE_LIMIT and not context.suppress_cost:
            text = exceeded("estimated messageExpression cost", of_message, _RULE_LIMIT)
            found.forbidden(f"{path}.messageExpression", text)
        context.tally.add(f"{path}.messageExpression", of_message)
    if compiled.transition:
        if uncorrelated:
            text = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {uncorrelated}"
            found.invalid(f"{path}.rule", compiled.rule.get("rule"), text)
    elif compiled.rule.get("optionalOldSelf") is not None:
        text = "may not be set if oldSelf is not used in rule"
        found.invalid(f"{path}.optionalOldSelf", compiled.rule["optionalOldSelf"], text)


def exceeded(what: str, cost: int, limit: int) -> str:
    """By how much a budget is exceeded."""
    factor = cost / limit
    if factor > 100:
        shown = "more than 100x"
    elif factor < 1.5:
        shown = f"{factor:f}x"
    else:
        shown = f"{factor:.1f}x"
    return f"{what} exceeds budget by factor of {shown} {_ADVICE}"
