"""What an expression can cost before it runs: the original's static estimate, from the sizes that schemas bound.

Estimates decide which rules a CustomResourceDefinition may have, so that they must be the original's to the unit.
"""

from msgspec import Struct

from pynetes.apimachinery.cel.ast import (
    ACCUMULATOR,
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
from pynetes.apimachinery.cel.cost import (
    LIST_CREATE,
    MAP_CREATE,
    MAX,
    ONE,
    REGEX_LENGTH,
    STRUCT_CREATE,
    TRAVERSAL,
    UNKNOWN,
    ZERO,
    CallEstimate,
    Node,
    Range,
    Sizes,
    fixed,
)
from pynetes.apimachinery.cel.declarations import Function
from pynetes.apimachinery.cel.types import Type, is_optional

_SCALARS = frozenset(("bool", "double", "duration", "int", "timestamp", "uint"))
_COMPARED = frozenset(
    (
        *(
            f"{op}_{kind}"
            for op in ("less", "greater", "less_equals", "greater_equals")
            for kind in ("string", "bytes")
        ),
        *("equals", "not_equals"),
    )
)


class _Entry(Struct):
    """Sizes of the keys (or indices) and values in a list or map that the expression made."""

    kind: str
    key: Range
    value: Range


class _Local(Struct):
    path: tuple[str, ...]
    size: Range | None
    entry: _Entry | None


def estimate(tree: Expr, functions: dict[str, Function], sizes: Sizes) -> Range:
    """The least and the most that a checked tree costs."""
    return _Coster(functions, sizes).cost(tree)


class _Coster:
    """Implements `cost.Estimator` for the functions' own estimates."""

    def __init__(self, functions: dict[str, Function], sizes: Sizes) -> None:
        self._functions = functions
        self._declared = sizes
        self._paths: dict[Expr, tuple[str, ...]] = {}
        self._sizes: dict[Expr, Range] = {}
        self._entries: dict[Expr, _Entry] = {}
        self._locals: dict[str, list[_Local]] = {}

    def cost(self, node: Expr) -> Range:
        match node:
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
                total = fixed(STRUCT_CREATE)
                for each in node.fields:
                    total = total.plus(self.cost(each.value))
                return total
            case Comprehension():
                return self._bind(node) if node.is_bind else self._fold(node)
        return ZERO

    # --- where values come from, and how large they are

    def _local(self, name: str) -> _Local | None:
        stack = self._locals.get(name)
        return stack[-1] if stack else None

    def _push(self, name: str, path: tuple[str, ...], size: Range | None, entry: _Entry | None = None) -> None:
        self._locals.setdefault(name, []).append(_Local(path, size, entry))

    def _path(self, node: Expr) -> tuple[str, ...]:
        if isinstance(node, Ident):
            local = self._local(node.name)
            if local is not None:
                return local.path
        return self._paths.get(node, ())

    def _node(self, node: Expr) -> Node:
        path = self._path(node)
        if path and path[0] in (ACCUMULATOR, "__result__"):
            path = ()
        return Node(path, node.type, node, self._size(node))

    def size(self, node: Node) -> Range:
        if node.size is not None:
            return node.size
        return self._declared(node.path) or UNKNOWN

    def element(self, node: Node) -> Node | None:
        if not node.type.params:
            return None
        return Node((*node.path, "@items") if node.path else (), node.type.params[0], None, None)

    def _size(self, node: Expr) -> Range | None:
        known = self._sizes.get(node)
        if known is None:
            known = _literal_size(node)
        if known is not None:
            return known
        declared = self._declared(self._path(node))
        if declared is not None:
            self._sizes[node] = declared
            return declared
        if _is_scalar(node.type):
            return ONE
        if isinstance(node, Ident):
            local = self._local(node.name)
            return local.size if local is not None else None
        return None

    def _size_or_unknown(self, node: Expr) -> Range:
        return self._size(node) or UNKNOWN

    def _entry(self, node: Expr) -> _Entry | None:
        found = self._entries.get(node)
        if found is None and isinstance(node, Ident):
            local = self._local(node.name)
            return local.entry if local is not None else None
        return found

    # --- nodes

    def _ident(self, node: Ident) -> Range:
        local = self._local(node.name)
        self._paths[node] = local.path if local is not None else (node.name,)
        return ONE

    def _select(self, node: Select) -> Range:
        if node.resolved is not None:
            return self._ident(node.resolved)
        total = self.cost(node.operand)
        if node.test_only:
            return total
        if node.operand.type.kind in ("map", "struct", "param"):
            total = total.plus(ONE)
        self._paths[node] = (*self._path(node.operand), node.field)
        return total

    def _call(self, node: Call) -> Range:
        if node.function == "dyn":
            total = self.cost(node.args[0]).plus(ONE)
            self._copy(node, node.args[0])
            return total
        costs = [self.cost(arg) for arg in node.args]
        args = [self._node(arg) for arg in node.args]
        if not node.overloads:
            return ZERO
        total, target = ZERO, None
        if node.target is not None:
            total = self.cost(node.target)
            target = self._node(node.target)
        cost, size = Range(MAX, 0), None
        for overload in node.overloads:
            this = self._overload(node, overload, target, args, costs)
            cost = cost.union(this.cost)
            if this.size is not None:
                size = size.union(this.size) if size is not None else this.size
            if overload in ("index_list", "index_map") and node.args:
                entry = self._entry(node.args[0])
                size = entry.value if entry is not None else None
                step = "@items" if overload == "index_list" else "@values"
                self._paths[node] = (*self._path(node.args[0]), step)
            if size is None:
                size = self._size(node)
        if size is not None:
            self._sizes[node] = size
        return total.plus(cost)

    def _overload(
        self, node: Call, overload: str, target: Node | None, args: list[Node], costs: list[Range]
    ) -> CallEstimate:
        own = self._own_estimate(node, overload, target, args)
        total = ZERO
        for each in costs:
            total = total.plus(each)
        if own is not None:
            return CallEstimate(own.cost.plus(total), own.size)
        special = self._operator(node, overload, args, costs)
        if special is not None:
            return special
        if overload in _COMPARED:
            least = min(self.size(args[0]).max, self.size(args[1]).max)
            return CallEstimate(Range(1 if least > 0 else 0, least).by(TRAVERSAL).plus(total))
        return CallEstimate(ONE.plus(total))

    def _own_estimate(self, node: Call, overload: str, target: Node | None, args: list[Node]) -> CallEstimate | None:
        function = self._functions.get(node.function)
        if function is None:
            return None
        declared = next((each for each in function.overloads if each.id == overload), None)
        for estimator in (declared.estimate if declared is not None else None, function.estimate):
            found = estimator(self, target, args) if estimator is not None else None
            if found is not None:
                return found
        return None

    def _operator(self, node: Call, overload: str, args: list[Node], costs: list[Range]) -> CallEstimate | None:
        match overload:
            case "logical_or" | "logical_and":
                return CallEstimate(Range(costs[0].min, costs[0].plus(costs[1]).max))
            case "conditional":
                entry = _union(self._entry(node.args[1]), self._entry(node.args[2]))
                if entry is not None:
                    self._entries[node] = entry
                size = self._size_or_unknown(node.args[1]).union(self._size_or_unknown(node.args[2]))
                return CallEstimate(costs[0].plus(costs[1].union(costs[2])), size)
            case "add_string" | "add_bytes" | "add_list":
                size = self.size(args[0]).plus(self.size(args[1]))
                entry = _union(self._entry(node.args[0]), self._entry(node.args[1]))
                if entry is not None:
                    self._entries[node] = entry
                cost = ONE if overload == "add_list" else size.by(TRAVERSAL)
                return CallEstimate(cost.plus(costs[0]).plus(costs[1]), size)
        return None

    def _copy(self, node: Expr, of: Expr) -> None:
        size, entry = self._size(of), self._entry(of)
        if size is not None:
            self._sizes[node] = size
        if entry is not None:
            self._entries[node] = entry

    def _list(self, node: ListExpr) -> Range:
        total = ZERO
        item = Range(MAX if node.elements else 0, 0)
        for each in node.elements:
            total = total.plus(self.cost(each))
            item = item.union(self._size_or_unknown(each))
        self._entries[node] = _Entry("list", ONE, item)
        return total.plus(fixed(LIST_CREATE))

    def _map(self, node: MapExpr) -> Range:
        total = ZERO
        key = value = Range(MAX if node.entries else 0, 0)
        for each in node.entries:
            total = total.plus(self.cost(each.key)).plus(self.cost(each.value))
            key = key.union(self._size_or_unknown(each.key))
            value = value.union(self._size_or_unknown(each.value))
        self._entries[node] = _Entry("map", key, value)
        return total.plus(fixed(MAP_CREATE))

    def _fold(self, node: Comprehension) -> Range:
        total = self.cost(node.iter_range).plus(self.cost(node.accu_init))
        self._push_value(node.accu_var, node.accu_init)
        self._push_iteration(node)
        condition = self.cost(node.condition)
        step = self.cost(node.step)
        self._locals[node.iter_var].pop()
        if node.iter_var2:
            self._locals[node.iter_var2].pop()
        total = total.plus(self.cost(node.result))
        self._locals[node.accu_var].pop()
        count = self._size_or_unknown(node.iter_range)
        total = total.plus(count.times(step.plus(condition)))
        if isinstance(node.accu_init, Literal):
            size = self._size(node.accu_init)
            if size is not None:
                self._sizes[node] = size
        elif isinstance(node.accu_init, ListExpr | MapExpr):
            self._sizes[node] = count
            entry = self._entry(node.step)
            if entry is not None:
                self._entries[node] = entry
        return total

    def _push_iteration(self, node: Comprehension) -> None:
        entry, path = self._entry(node.iter_range), self._path(node.iter_range)
        is_list = (entry.kind if entry is not None else node.iter_range.type.kind) == "list"
        key = entry.key if entry is not None else None
        value = entry.value if entry is not None else None
        if node.iter_var2:
            self._push(node.iter_var, (*path, "@indices" if is_list else "@keys"), key)
            self._push(node.iter_var2, (*path, "@items" if is_list else "@values"), value)
        elif is_list:
            self._push(node.iter_var, (*path, "@items"), value)
        else:
            self._push(node.iter_var, (*path, "@keys"), key)

    def _push_value(self, name: str, value: Expr) -> None:
        self._push(name, self._path(value), self._size(value), self._entry(value))

    def _bind(self, node: Comprehension) -> Range:
        total = self.cost(node.iter_range).plus(self.cost(node.accu_init))
        self._push_value(node.accu_var, node.accu_init)
        total = total.plus(self.cost(node.result))
        self._locals[node.accu_var].pop()
        self._copy(node, node.result)
        return total


def _union(first: _Entry | None, second: _Entry | None) -> _Entry | None:
    if first is None or second is None:
        return None
    return _Entry(first.kind, first.key.union(second.key), first.value.union(second.value))


def _literal_size(node: Expr) -> Range | None:
    match node:
        case Literal(value=str() | bytes() as text):
            return fixed(len(text))
        case Literal():
            return ONE
        case ListExpr():
            return fixed(len(node.elements))
        case MapExpr():
            return fixed(len(node.entries))
    return None


def _is_scalar(t: Type) -> bool:
    return t.kind in _SCALARS or (is_optional(t) and _is_scalar(t.params[0]))


def regex_estimate(text: Range, pattern: Range) -> Range:
    """Of matching: the text plus one, so that an empty one does not make an expensive pattern free."""
    return text.plus(ONE).by(TRAVERSAL).times(pattern.by(REGEX_LENGTH))
