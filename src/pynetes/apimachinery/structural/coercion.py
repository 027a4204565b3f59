"""Pruning, dropping nulls and defaulting, compiled into one pass over an object.

In upstream's order: fields that the schema does not name go; nulls go where the schema neither takes null nor has a
default; what is absent (or a null that is not taken) becomes a copy of its default. What `apiVersion`, `kind` and
`metadata` of the object itself must be, the caller knows. What an apply has merged is only filled in: a null in it
stays, for validation to tell.
"""

from collections.abc import Callable
from typing import Any

from pynetes.apimachinery.meta import copy
from pynetes.apimachinery.structural.nodes import EMBEDDED, META_FIELDS, PRESERVE, Schema, additional, items, properties

#: Changes a dict or list in place; whether an unknown field was dropped.
Coerce = Callable[[Any], bool]


def compile_coercion(schema: Schema, *, defaults: bool = True, takes: bool = True) -> Coerce:
    """For whole objects; without `defaults`, it only takes away; without `takes`, it only fills in."""
    return _Compiler(defaults, takes).root(schema)


def _is_container(value: Any) -> bool:
    return type(value) is dict or type(value) is list


def clear(value: Any) -> bool:
    """Where the schema knows nothing: objects lose their fields; scalars in lists stay."""
    if type(value) is list:
        dropped = [clear(item) for item in value if _is_container(item)]
        return any(dropped)
    found = bool(value)
    value.clear()
    return found


def _leave(value: Any) -> bool:
    return False


class _Compiler:
    def __init__(self, defaults: bool, takes: bool) -> None:
        self._defaults = defaults
        self._takes = takes

    def root(self, schema: Schema) -> Coerce:
        return self._node({**schema, EMBEDDED: True}, prune=self._takes, root=True)

    def _node(self, schema: Schema, *, keep: bool = False, prune: bool = True, root: bool = False) -> Coerce:
        """`keep`: unknown fields stay; `prune` False: within metadata, which has a type of its own."""
        keep = keep or bool(schema.get(PRESERVE)) or not prune
        of_object = self._object(schema, keep, prune, root)
        of_list = self._list(schema, keep, prune)

        def coerce(value: Any) -> bool:
            return of_object(value) if type(value) is dict else of_list(value)

        return coerce

    def _object(self, schema: Schema, keep: bool, prune: bool, root: bool) -> Coerce:
        own = properties(schema)
        embedded = bool(schema.get(EMBEDDED))
        inner: dict[str, Coerce] = {}
        for name, child in own.items():
            if root and name in META_FIELDS:
                inner[name] = _leave
            else:
                inner[name] = self._node(child, prune=prune and not (embedded and name in META_FIELDS))
        if embedded:
            for name in META_FIELDS:
                inner.setdefault(name, _leave)
        defaults = {
            name: (child["default"], bool(child.get("nullable")))
            for name, child in own.items()
            if self._defaults and child.get("default") is not None and not (root and name in META_FIELDS)
        }
        droppable = frozenset(
            name
            for name, child in own.items()
            if self._takes and not child.get("nullable") and child.get("default") is None
        )
        if "additionalProperties" in schema:
            return self._map(schema, inner, defaults, droppable, prune)
        known = frozenset(inner)

        def coerce(obj: dict[str, Any]) -> bool:
            dropped = False
            if not keep and not obj.keys() <= known:
                for name in [name for name in obj if name not in known]:
                    del obj[name]
                dropped = True
            nulls: list[str] | None = None
            for name, value in obj.items():
                if value is None:
                    if name in droppable:
                        nulls = [name] if nulls is None else [*nulls, name]
                elif type(value) is dict or type(value) is list:
                    child = inner.get(name)
                    if child is not None and child(value):
                        dropped = True
            if nulls is not None:
                for name in nulls:
                    del obj[name]
            for name, (default, nullable) in defaults.items():
                if name not in obj or (obj[name] is None and not nullable):
                    obj[name] = value = copy(default)
                    if type(value) is dict or type(value) is list:
                        inner[name](value)
            return dropped

        return coerce

    def _map(
        self,
        schema: Schema,
        inner: dict[str, Coerce],
        defaults: dict[str, tuple[Any, bool]],
        droppable: frozenset[str],
        prune: bool,
    ) -> Coerce:
        """Keys are free; values under them have a schema, or lose all fields."""
        values = additional(schema)
        others = self._node(values, prune=prune) if values is not None else (clear if prune else _leave)
        default = values.get("default") if values is not None else None
        fills = self._defaults and default is not None
        drops = self._takes and default is None
        refuses = values is not None and not values.get("nullable")

        def coerce(obj: dict[str, Any]) -> bool:
            dropped = False
            for name, (value, nullable) in defaults.items():
                if name not in obj or (obj[name] is None and not nullable):
                    obj[name] = copy(value)
            for name, value in list(obj.items()):
                if value is None:
                    if name in inner:
                        if name in droppable:
                            del obj[name]
                        continue
                    if not refuses:
                        continue
                    if not fills:
                        if drops:
                            del obj[name]
                        continue
                    obj[name] = value = copy(default)
                if (type(value) is dict or type(value) is list) and inner.get(name, others)(value):
                    dropped = True
            return dropped

        return coerce

    def _list(self, schema: Schema, keep: bool, prune: bool) -> Coerce:
        inner = items(schema)
        if inner is None:
            return _leave if keep else clear
        child = self._node(inner, keep=keep, prune=prune)
        nullable, default = bool(inner.get("nullable")), inner.get("default") if self._defaults else None

        def coerce(values: list[Any]) -> bool:
            dropped = False
            for i, value in enumerate(values):
                if value is None and default is not None and not nullable:
                    values[i] = value = copy(default)
                if (type(value) is dict or type(value) is list) and child(value):
                    dropped = True
            return dropped

        return coerce
