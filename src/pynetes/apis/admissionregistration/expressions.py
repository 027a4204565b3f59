"""CEL in policies and webhooks: the environments, and what is wrong with an expression, in upstream's words."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from pynetes.apimachinery.cel.environment import Compiled, Environment, Program
from pynetes.apimachinery.cel.plan import PlanError
from pynetes.apimachinery.cel.source import CompileError
from pynetes.apimachinery.cel.types import (
    ANY,
    DYN_DECL,
    DeclType,
    Field,
    Type,
    list_decl,
    map_decl,
    object_decl,
)
from pynetes.apis.admissionregistration.patchtypes import patch_environment
from pynetes.apis.admissionregistration.variables import variables

#: For `compile_expression`: whatever type it is.
ANYTHING = (ANY,)
_SIMPLE = frozenset(("bool", "bytes", "double", "duration", "int", "null", "string", "timestamp", "uint"))


class Checked(Struct):
    """An expression that compiles, or why it does not (`problem`)."""

    compiled: Compiled | None = None
    program: Program | None = None
    problem: str = ""

    @property
    def type(self) -> Type | None:
        return self.compiled.type if self.compiled is not None else None


def compile_expression(environment: Environment, text: str, wanted: Sequence[Type]) -> Checked:
    """Compiled, if its value is of one of the types."""
    try:
        compiled = environment.compile(text)
    except CompileError as error:
        return Checked(problem=f"compilation failed: {error}")
    if compiled.type not in wanted and ANY not in wanted:
        return Checked(problem=_wrong_type(wanted, compiled.type))
    try:
        return Checked(compiled, compiled.program())
    except PlanError as error:
        return Checked(compiled, problem=f"program instantiation failed: {error}")


def _wrong_type(wanted: Sequence[Type], found: Type) -> str:
    if len(wanted) == 1:
        return f"must evaluate to {go_type(wanted[0])} but got {go_type(found)}"
    return f"must evaluate to one of [{' '.join(map(go_type, wanted))}] but got {go_type(found)}"


def go_type(t: Type) -> str:
    """A type as Go prints it, which is by its full name."""
    if not t.params:
        return t.name
    return f"{t.name}({', '.join(map(go_type, t.params))})"


class Composition:
    """The environments of one policy. What it defines as variables are fields of `variables`.

    Every variable knows those before it; conditions and validations know all that are defined when they are compiled.
    """

    def __init__(self, *, params: bool, defines: bool = True, typed: Mapping[str, DeclType] | None = None) -> None:
        """`defines` is False for a policy without variables: then the name is not known either. `typed` are types of
        what is dyn otherwise."""
        self._typed = typed or {}
        self._params = params
        self._defines = defines
        self._fields: dict[str, Field] = {}
        self._defined = object_decl("kubernetes.variables", self._fields)
        self._made: dict[tuple[bool, bool], Environment] = {}

    def environment(self, *, authorizer: bool = True, patches: bool = False) -> Environment:
        """`patches`: expressions can make patches."""
        made = self._made.get((authorizer, patches))
        if made is None:
            known = {**variables(params=self._params, authorizer=authorizer), **self._typed}
            if self._defines:
                known["variables"] = self._defined
            made = patch_environment(known) if patches else Environment(known)
            self._made[authorizer, patches] = made
        return made

    def define(self, name: str, t: Type | None) -> None:
        """A variable of that type; of any if it does not compile."""
        self._fields[name] = Field(name, _declared(t))


def _declared(t: Type | None) -> DeclType:
    """Fields of variables keep the types that schemas know; others are dyn."""
    if t is None:
        return DYN_DECL
    if t.kind in _SIMPLE:
        return DeclType(t)
    if t.kind == "list":
        return list_decl(_declared(t.params[0]))
    if t.kind == "map":
        return map_decl(_declared(t.params[0]), _declared(t.params[1]))
    return DYN_DECL
