"""Type checking: every node gets its type, every call the overloads it can reach; what does not fit is reported."""

from collections.abc import Mapping as Lookup

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
    children,
)
from pynetes.apimachinery.cel.declarations import Function, Overload
from pynetes.apimachinery.cel.source import Source
from pynetes.apimachinery.cel.types import (
    BOOL,
    DYN,
    ERROR,
    INT,
    DeclType,
    Type,
    is_dyn,
    is_optional,
    list_of,
    map_of,
    optional_of,
    type_of_type,
    type_param,
)
from pynetes.apimachinery.cel.unify import Mapping, most_general
from pynetes.apimachinery.cel.values import type_of

_RESERVED_FIELDS = frozenset(
    (
        *("true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if"),
        *("import", "let", "loop", "package", "namespace", "return", "var", "void", "while"),
    )
)


class Checker:
    """Checks one tree against names, object types (by name) and functions."""

    def __init__(
        self,
        source: Source,
        variables: Lookup[str, Type],
        type_names: Lookup[str, Type],
        objects: Lookup[str, DeclType],
        functions: Lookup[str, Function],
        container: str = "",
    ) -> None:
        self._source = source
        self._variables = variables
        self._type_names = type_names
        self._objects = objects
        self._functions = functions
        self._container = container
        self._scopes: list[dict[str, Type]] = []
        self._mapping = Mapping()
        self._free = 0

    def check(self, tree: Expr) -> None:
        """Reports to the source; afterwards no node has a free type parameter left."""
        self._check(tree)
        pending = [tree]
        while pending:
            node = pending.pop()
            node.type = self._mapping.substitute(node.type, free_is_dyn=True)
            pending += children(node)

    # --- names

    def _lookup(self, name: str) -> tuple[Type, Type | None] | None:
        """The type of a name, and the type it stands for if it is a type's name."""
        name = name.removeprefix(".")
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name], None
        if name in self._variables:
            return self._variables[name], None
        stands_for = self._type_names.get(name)
        if stands_for is None and name in self._objects:
            stands_for = self._objects[name].type
        return (type_of_type(stands_for), stands_for) if stands_for is not None else None

    def _function(self, name: str) -> Function | None:
        return self._functions.get(name.removeprefix("."))

    def _report(self, position: int, message: str) -> Type:
        self._source.report(position, message)
        return ERROR

    def _undeclared(self, position: int, name: str) -> Type:
        return self._report(position, f"undeclared reference to '{name}' (in container '{self._container}')")

    def _mismatch(self, position: int, expected: Type, found: Type) -> Type:
        return self._report(position, f"expected type '{expected}' but found '{found}'")

    # --- nodes

    def _check(self, node: Expr) -> Type:
        match node:
            case Literal():
                node.type = type_of(node.value)
            case Ident():
                node.type = self._ident(node)
            case Select():
                node.type = self._select(node)
            case Call():
                node.type = self._call(node)
            case ListExpr():
                node.type = self._list(node)
            case MapExpr():
                node.type = self._map(node)
            case StructExpr():
                node.type = self._struct(node)
            case Comprehension():
                node.type = self._comprehension(node)
        return node.type

    def _ident(self, node: Ident) -> Type:
        found = self._lookup(node.name)
        if found is None:
            return self._undeclared(node.position, node.name)
        node.name = node.name.removeprefix(".")
        node.type_value = found[1]
        return found[0]

    def _select(self, node: Select) -> Type:
        name = None if node.test_only else qualified_name(node)
        found = self._lookup(name) if name is not None else None
        if found is not None:
            assert name is not None
            ident = Ident(name.removeprefix("."), position=node.position, type=found[0])
            ident.type_value = found[1]
            node.resolved = ident
            return found[0]
        result = self._field(node.position, node.operand, node.field, optional=False)
        return BOOL if node.test_only else self._mapping.substitute(result)

    def _field(self, position: int, operand: Expr, field: str, *, optional: bool) -> Type:
        """The type of a selected field; optional if the operand is, or if asked for."""
        of = self._mapping.substitute(self._check(operand))
        optional = optional or is_optional(of)
        if is_optional(of):
            of = of.params[0]
        result = DYN
        match of.kind:
            case "map":
                result = of.params[1]
            case "struct":
                result = self._object_field(position, of.name, field)
            case "param":
                self._mapping.assignable(DYN, of)
            case _ if not is_dyn(of) and of.kind != "error":
                self._report(position, f"type '{of}' does not support field selection")
        return optional_of(result) if optional else result

    def _object_field(self, position: int, name: str, field: str) -> Type:
        declared = self._objects.get(name)
        if declared is None or declared.fields is None:
            return self._report(position, f"undefined field '{field}'")
        found = declared.fields.get(field)
        if found is None and field in _RESERVED_FIELDS:
            found = declared.fields.get(f"__{field}__")
        if found is None:
            return self._report(position, f"undefined field '{field}'")
        return found.type.type

    def _call(self, node: Call) -> Type:
        if node.function == "_?._":
            field = node.args[1]
            assert isinstance(field, Literal)
            result = self._field(node.position, node.args[0], field.value, optional=True)
            self._check(field)
            node.overloads = ("select_optional_field",)
            return self._mapping.substitute(result)
        for arg in node.args:
            self._check(arg)
        if node.target is None:
            function = self._function(node.function)
            if function is None:
                return self._undeclared(node.position, node.function)
            node.function = function.name
            return self._resolve(node, function, node.args)
        prefix = qualified_name(node.target)
        function = self._function(f"{prefix}.{node.function}") if prefix is not None else None
        if function is not None:
            node.function, node.target = function.name, None
            return self._resolve(node, function, node.args)
        self._check(node.target)
        function = self._function(node.function)
        if function is None:
            return self._undeclared(node.position, node.function)
        return self._resolve(node, function, [node.target, *node.args])

    def _resolve(self, node: Call, function: Function, args: list[Expr]) -> Type:
        if node.function in ("_&&_", "_||_"):
            return self._logic(node)
        given = [arg.type for arg in args]
        member = node.target is not None
        result: Type | None = None
        reached: list[str] = []
        for overload in function.overloads:
            if overload.member is not member:
                continue
            wanted, returned = self._instance(function, overload)
            if not self._mapping.assignable_all(given, wanted):
                continue
            reached.append(overload.id)
            this = self._mapping.substitute(returned)
            if result is None:
                result = this
            elif not is_dyn(result) and this != result:
                result = DYN
        if result is None:
            shown = [str(self._mapping.substitute(t, free_is_dyn=True)) for t in given]
            signature = f"{shown[0]}.({', '.join(shown[1:])})" if member else f"({', '.join(shown)})"
            return self._report(
                node.position, f"found no matching overload for '{node.function}' applied to '{signature}'"
            )
        node.overloads = tuple(reached)
        return result

    def _logic(self, node: Call) -> Type:
        wrong = False
        for arg in node.args:
            if not self._mapping.assignable(arg.type, BOOL):
                self._mismatch(arg.position, BOOL, arg.type)
                wrong = True
        node.overloads = ("logical_and" if node.function == "_&&_" else "logical_or",)
        return ERROR if wrong else BOOL

    def _instance(self, function: Function, overload: Overload) -> tuple[tuple[Type, ...], Type]:
        """The overload's types with parameters of this call's own."""
        params = function.params(overload)
        if not params:
            return overload.args, overload.result
        fresh = Mapping()
        for name in params:
            fresh.bind(name, self._variable())
        args = tuple(fresh.substitute(t) for t in overload.args)
        return args, fresh.substitute(overload.result)

    def _variable(self) -> Type:
        self._free += 1
        return type_param(f"_var{self._free - 1}")

    def _list(self, node: ListExpr) -> Type:
        element: Type | None = None
        for i, each in enumerate(node.elements):
            t = self._check(each)
            if i in node.optionals:
                t = self._unwrapped(each, t)
            element = self._join(each, element, t)
        return list_of(element if element is not None else self._variable())

    def _map(self, node: MapExpr) -> Type:
        key: Type | None = None
        value: Type | None = None
        for entry in node.entries:
            key = self._join(entry.key, key, self._check(entry.key))
            t = self._check(entry.value)
            if entry.optional:
                t = self._unwrapped(entry.value, t)
            value = self._join(entry.value, value, t)
        if key is None or value is None:
            return map_of(self._variable(), self._variable())
        return map_of(key, value)

    def _unwrapped(self, node: Expr, t: Type) -> Type:
        if is_optional(t):
            return t.params[0]
        if not is_dyn(t):
            self._mismatch(node.position, optional_of(t), t)
        return t

    def _join(self, node: Expr, before: Type | None, now: Type) -> Type:
        if before is None:
            return now
        if self._mapping.assignable(before, now):
            return most_general(before, now)
        return DYN

    def _struct(self, node: StructExpr) -> Type:
        found = self._lookup(node.name)
        if found is None:
            self._undeclared(node.position, node.name)
            for each in node.fields:
                self._check(each.value)
            return ERROR
        node.name = node.name.removeprefix(".")
        result = found[1]
        if result is None:
            self._report(node.position, f"'{found[0].name}' is not a type")
        elif result.kind != "struct":
            self._report(node.position, f"'{result}' is not a message type")
            result = None
        for each in node.fields:
            t = self._check(each.value)
            wanted = self._init_field(each.position, node.name, each.name)
            if each.optional:
                t = self._unwrapped(each.value, t)
            if not self._mapping.assignable(wanted, t):
                self._report(
                    each.position,
                    f"expected type of field '{each.name}' is '{wanted}' but provided type is '{t}'",
                )
        return result or ERROR

    def _init_field(self, position: int, name: str, field: str) -> Type:
        if name not in self._objects:
            return self._report(position, f"unexpected failed resolution of '{name}'")
        return self._object_field(position, name, field)

    def _comprehension(self, node: Comprehension) -> Type:
        self._check(node.iter_range)
        accu = self._check(node.accu_init)
        over = self._mapping.substitute(node.iter_range.type)
        first, second = self._iteration(node, over)
        self._scopes.append({node.accu_var: accu})
        names = {node.iter_var: first}
        if node.iter_var2:
            names[node.iter_var2] = second
        self._scopes.append(names)
        self._check(node.condition)
        self._assert(node.condition, BOOL)
        self._check(node.step)
        self._assert(node.step, accu)
        self._scopes.pop()
        self._check(node.result)
        self._scopes.pop()
        return self._mapping.substitute(node.result.type)

    def _iteration(self, node: Comprehension, over: Type) -> tuple[Type, Type]:
        match over.kind:
            case "list":
                return (INT, over.params[0]) if node.iter_var2 else (over.params[0], ERROR)
            case "map":
                return over.params[0], over.params[1]
            case "dyn" | "any" | "error" | "param":
                self._mapping.assignable(DYN, over)
                return DYN, DYN
        self._report(
            node.iter_range.position,
            f"expression of type '{over}' cannot be range of a comprehension (must be list, map, or dynamic)",
        )
        return ERROR, ERROR

    def _assert(self, node: Expr, wanted: Type) -> None:
        if not self._mapping.assignable(wanted, node.type):
            self._mismatch(node.position, wanted, node.type)


def qualified_name(node: Expr) -> str | None:
    """`a.b.c` as one name, if it is nothing but names."""
    if isinstance(node, Ident):
        return node.name
    if isinstance(node, Select) and not node.test_only:
        prefix = qualified_name(node.operand)
        return f"{prefix}.{node.field}" if prefix is not None else None
    return None
