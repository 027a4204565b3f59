"""What is compiled to be fast says the same as what walks and explains, over schemas and objects made at random."""

import random
from typing import Any

import pytest

from pynetes.apimachinery.meta import copy
from pynetes.apimachinery.structural.coercion import compile_coercion
from pynetes.apimachinery.structural.explanation import explain
from pynetes.apimachinery.structural.listtypes import compile_distinct, validate_lists
from pynetes.apimachinery.structural.unknown import compile_known, unknown_fields
from pynetes.apimachinery.structural.validity import compile_validity

NAMES = ("a", "b", "c", "metadata", "kind")
TEXTS = ("", "a", "ab", "abc", "10", "10Mi")


def schema_of(chance: random.Random, depth: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    kind = chance.choice(("object", "array", "string", "integer", "number", "boolean", "any", "int-or-string"))
    if depth == 0 and kind in ("object", "array"):
        kind = "string"
    if kind == "any":
        made["x-kubernetes-preserve-unknown-fields"] = True
    elif kind == "int-or-string":
        made["x-kubernetes-int-or-string"] = True
    else:
        made["type"] = kind
    if kind == "object":
        _object(chance, made, depth)
    elif kind == "array":
        _array(chance, made, depth)
    elif kind == "string":
        made |= chance.choice(({}, {"minLength": 1, "maxLength": 2}, {"pattern": "^a+"}, {"enum": ["a", "ab"]}))
    elif kind in ("integer", "number"):
        made |= chance.choice(({}, {"minimum": 1}, {"maximum": 2, "exclusiveMaximum": True}, {"multipleOf": 2}))
    if chance.random() < 0.2:
        made["nullable"] = True
    if chance.random() < 0.2:
        made["anyOf"] = [{"minimum": 1}, {"minLength": 2}, {"required": ["a"]}]
    return made


def _object(chance: random.Random, made: dict[str, Any], depth: int) -> None:
    if chance.random() < 0.3:
        made["additionalProperties"] = schema_of(chance, depth - 1)
        return
    made["properties"] = {name: schema_of(chance, depth - 1) for name in NAMES if chance.random() < 0.6}
    if chance.random() < 0.2:
        made["x-kubernetes-preserve-unknown-fields"] = True
    if chance.random() < 0.2:
        made["x-kubernetes-embedded-resource"] = True
    if chance.random() < 0.3:
        made["required"] = ["a"]


def _array(chance: random.Random, made: dict[str, Any], depth: int) -> None:
    made["items"] = schema_of(chance, depth - 1)
    if chance.random() < 0.4:
        made["x-kubernetes-list-type"] = "set"
    elif chance.random() < 0.6:
        made["items"] = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
        made |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": chance.choice((["a"], ["a", "b"]))}
    made |= chance.choice(({}, {"minItems": 1}, {"maxItems": 1}))


def value_of(chance: random.Random, schema: dict[str, Any], depth: int = 4) -> Any:
    """Mostly of the schema's type."""
    if chance.random() < 0.1:
        return chance.choice((None, True, 1, 1.5, "a", [], {}, {"z": 1}, [{"a": "x"}], ["a", "a"]))
    kind = schema.get("type", "string")
    if kind == "object":
        inner = {name: value_of(chance, child, depth - 1) for name, child in (schema.get("properties") or {}).items()}
        if "additionalProperties" in schema:
            inner |= {name: value_of(chance, schema["additionalProperties"], depth - 1) for name in ("k", "l")}
        kept = {name: value for name, value in inner.items() if chance.random() < 0.8}
        return kept | ({"unknown": 1} if chance.random() < 0.1 else {})
    if kind == "array":
        return [value_of(chance, schema["items"], depth - 1) for _ in range(chance.randrange(3))]
    return {"string": chance.choice(TEXTS), "boolean": True}.get(kind, chance.choice((0, 1, 2, 3, 2.0, 2.5)))


@pytest.mark.parametrize("seed", range(150))
def test_quick_answers_are_those_of_the_long_way(seed: int) -> None:
    chance = random.Random(seed)
    schema: dict[str, Any] = {"type": "object"}
    _object(chance, schema, 4)
    known, valid, distinct = compile_known(schema), compile_validity(schema), compile_distinct(schema)
    prune = compile_coercion(schema, defaults=False)
    for _ in range(20):
        obj = value_of(chance, {**schema, "nullable": False})
        if not isinstance(obj, dict):
            continue
        assert known(obj) == (not unknown_fields(obj, schema)), (schema, obj)
        assert valid(obj) == (not explain(obj, schema)), (schema, obj)
        assert (distinct is None or distinct(obj)) == (not validate_lists(obj, schema)), (schema, obj)
        pruned = copy(obj)
        dropped = prune(pruned)
        assert dropped == (not known(obj)), (schema, obj)
        assert known(pruned), (schema, pruned)
