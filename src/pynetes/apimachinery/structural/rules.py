"""Validation rules of a schema node (`x-kubernetes-validations`), compiled.

A rule sees the value at its node as `self` and, if it says so, what the value was before as `oldSelf`.
"""

from msgspec import Struct

from pynetes.apimachinery.cel import schema as cel_schema
from pynetes.apimachinery.cel.cost import DeclaredSizes
from pynetes.apimachinery.cel.environment import Compiled, Environment, Program
from pynetes.apimachinery.cel.plan import PlanError
from pynetes.apimachinery.cel.source import CompileError
from pynetes.apimachinery.cel.types import BOOL, STRING, DeclType, optional_of
from pynetes.apimachinery.structural import fieldpath
from pynetes.apimachinery.structural.nodes import VALIDATIONS, Schema


class CompiledRule(Struct):
    """One rule as it is run; `error` says why it cannot be, `message_error` the same of its message."""

    rule: Schema
    program: Program | None = None
    message: Program | None = None
    transition: bool = False
    max_cost: int = 0
    message_max_cost: int = 0
    path: str = ""
    error: str = ""
    message_error: str = ""

    @property
    def text(self) -> str:
        """How messages name the rule."""
        return str(self.rule.get("message") or self.rule.get("rule") or "").strip()

    @property
    def optional(self) -> bool:
        return bool(self.rule.get("optionalOldSelf"))


class NoType(ValueError):
    """Expressions cannot see what the schema describes."""


def declared(schema: Schema, *, root: bool) -> DeclType:
    found = cel_schema.declare(schema, resource_root=root)
    if found is None:
        raise NoType("failed to convert to declType for CEL validation rules")
    return found


def compile_rules(schema: Schema, kind: DeclType) -> list[CompiledRule]:
    """The rules of a node itself; `kind` is its type."""
    named = kind.named("selfType1")
    plain = Environment({"self": named, "oldSelf": named})
    optional = Environment({"self": named, "oldSelf": optional_of(named.type)}, objects=[named])
    sizes = DeclaredSizes(kind)
    return [
        _compile(rule, schema, optional if rule.get("optionalOldSelf") else plain, sizes)
        for rule in schema.get(VALIDATIONS) or ()
    ]


def _compile(rule: Schema, schema: Schema, environment: Environment, sizes: DeclaredSizes) -> CompiledRule:
    out = CompiledRule(rule)
    text = rule.get("rule") or ""
    if not text.strip():
        return out
    try:
        compiled = environment.compile(text)
    except CompileError as error:
        out.error = f"compilation failed: {error}"
        return out
    if compiled.type != BOOL:
        out.error = "cel expression must evaluate to a bool"
        return out
    out.transition = compiled.uses("oldSelf")
    out.error = _instantiate(out, compiled)
    out.max_cost = compiled.estimate(sizes).max
    if rule.get("messageExpression"):
        _compile_message(out, rule["messageExpression"], environment, sizes)
    if rule.get("fieldPath"):
        try:
            out.path = fieldpath.show(fieldpath.find(rule["fieldPath"], schema)[0])
        except fieldpath.PathError:
            out.path = ""
    return out


def _instantiate(out: CompiledRule, compiled: Compiled) -> str:
    try:
        out.program = compiled.program()
    except PlanError as error:
        return f"program instantiation failed: {error}"
    return ""


def _compile_message(out: CompiledRule, text: str, environment: Environment, sizes: DeclaredSizes) -> None:
    try:
        compiled = environment.compile(text)
    except CompileError as error:
        out.message_error = f"messageExpression compilation failed: {error}"
        return
    if compiled.type != STRING:
        out.message_error = "messageExpression must evaluate to a string"
        return
    try:
        out.message = compiled.program()
    except PlanError as error:
        out.message_error = f"messageExpression instantiation failed: {error}"
        return
    out.message_max_cost = compiled.estimate(sizes).max
