"""Which types fit which, with type parameters bound on the way."""

from collections.abc import Iterable, Sequence

from pynetes.apimachinery.cel.types import DYN, Type, is_dyn

_NULLABLE = frozenset(("opaque", "struct", "any", "duration", "timestamp"))
_PARAMETERIZED = frozenset(("opaque", "list", "map", "type"))


class Mapping:
    """What type parameters stand for. A failed attempt leaves it as it was."""

    def __init__(self) -> None:
        self._bound: dict[str, Type] = {}

    def bind(self, name: str, t: Type) -> None:
        self._bound[name] = t

    def assignable(self, first: Type, second: Type) -> bool:
        return self.assignable_all((first,), (second,))

    def assignable_all(self, first: Sequence[Type], second: Sequence[Type]) -> bool:
        before = dict(self._bound)
        if self._list(first, second):
            return True
        self._bound = before
        return False

    def substitute(self, t: Type, *, free_is_dyn: bool = False) -> Type:
        """The type with all bound parameters filled in."""
        if t.kind == "param":
            found = self._bound.get(t.name)
            if found is not None:
                return self.substitute(found, free_is_dyn=free_is_dyn)
            return DYN if free_is_dyn else t
        if not t.params:
            return t
        params = tuple(self.substitute(p, free_is_dyn=free_is_dyn) for p in t.params)
        return Type(t.kind, t.name, params)

    def _list(self, first: Sequence[Type], second: Sequence[Type]) -> bool:
        return len(first) == len(second) and all(self._assign(a, b) for a, b in zip(first, second, strict=True))

    def _assign(self, first: Type, second: Type) -> bool:
        if second.kind == "param":
            valid, bound = self._bind(first, second)
            if valid or bound:
                return valid
        if first.kind == "param":
            return self._bind(second, first)[0]
        if _loose(first) or _loose(second):
            return True
        if first.kind == "null" or second.kind == "null":
            other = second if first.kind == "null" else first
            return other.kind == "null" or other.kind in _NULLABLE
        if first.kind == "type":
            return second.kind == "type"
        if first.kind != second.kind or first.name != second.name:
            return False
        return self._list(first.params, second.params)

    def _bind(self, t: Type, param: Type) -> tuple[bool, bool]:
        """Whether the parameter can stand for the type, and whether it stood for something before."""
        if t == param:
            return True, True
        bound = self._bound.get(param.name)
        if bound is not None:
            if t == bound:
                return True, True
            if not self._assign(t, bound):
                return False, True
            wider = most_general(t, bound)
            if self._free(param, wider):
                self._bound[param.name] = wider
            return True, True
        if not self._free(param, t):
            return False, False
        self._bound[param.name] = t
        return True, False

    def _free(self, param: Type, within: Type) -> bool:
        """Whether the parameter does not occur in the type, which would make it endless."""
        if within == param:
            return False
        if within.kind == "param":
            bound = self._bound.get(within.name)
            return bound is None or self._free(param, bound)
        if within.kind in _PARAMETERIZED:
            return all(self._free(param, p) for p in within.params)
        return True


def _loose(t: Type) -> bool:
    return is_dyn(t) or t.kind == "error"


def most_general(first: Type, second: Type) -> Type:
    return first if _covers(first, second) else second


def _covers(first: Type, second: Type) -> bool:
    if is_dyn(first) or first.kind == "param":
        return True
    if is_dyn(second) or second.kind == "param" or first.kind != second.kind:
        return False
    if first.kind == "type":
        return True
    if first.kind in _PARAMETERIZED:
        same = first.name == second.name and len(first.params) == len(second.params)
        return same and all(_covers(a, b) for a, b in zip(first.params, second.params, strict=True))
    return first == second


def params_of(types: Iterable[Type]) -> list[str]:
    """The names of all type parameters in the types, each once."""
    found: dict[str, None] = {}
    pending = list(types)
    while pending:
        t = pending.pop()
        if t.kind == "param":
            found[t.name] = None
        pending += t.params
    return list(found)
