"""Defaults in a schema must satisfy it: they are pruned, of the right type, and no rule refuses them."""

from typing import Any

from pynetes.apimachinery.errors import FieldError, invalid_value
from pynetes.apimachinery.meta import copy
from pynetes.apimachinery.structural.embedded import Coercion, validate_embedded, validate_metadata
from pynetes.apimachinery.structural.explanation import explain
from pynetes.apimachinery.structural.nodes import EMBEDDED, META_FIELDS, Schema, items, properties
from pynetes.apimachinery.structural.unknown import unknown_fields

_WRAP = "value"


def validate_defaults(schema: Schema, path: str) -> list[FieldError]:
    """Those within additional properties are checked where they apply."""
    return _walk({**schema, EMBEDDED: True}, path, in_meta=False)


def _walk(schema: Schema, path: str, *, in_meta: bool) -> list[FieldError]:
    in_meta = in_meta and not schema.get(EMBEDDED)
    errors: list[FieldError] = []
    if schema.get("default") is not None:
        errors += _default(schema, f"{path}.default", in_meta)
    inner = items(schema)
    if inner is not None:
        errors += _walk(inner, f"{path}.items", in_meta=in_meta)
    for name, child in properties(schema).items():
        within = in_meta or bool(schema.get(EMBEDDED) and name in META_FIELDS)
        errors += _walk(child, f"{path}.properties[{name}]", in_meta=within)
    return errors


def _default(schema: Schema, path: str, in_meta: bool) -> list[FieldError]:
    default = schema["default"]
    if in_meta:
        if isinstance(default, dict):
            problems = validate_metadata(default, "metadata")
            if problems:
                return [invalid_value(path, default, f"must result in valid metadata: {problems[0]}")]
        return explain(default, schema, path)
    errors: list[FieldError] = []
    if not is_pruned(default, schema):
        errors.append(invalid_value(path, default, "must not have unknown fields"))
    coercion = Coercion()
    coercion.run(copy(default), schema, path)
    if coercion.problem is not None:
        return [*errors, coercion.problem]
    found = validate_embedded(default, schema, path) or explain(default, schema, path) or _rules(default, schema, path)
    return errors + found


def is_pruned(value: Any, schema: Schema) -> bool:
    """Whether the schema knows all fields of the value."""
    whole = {"type": "object", "properties": {_WRAP: schema}}
    return not unknown_fields({_WRAP: value}, whole)


def _rules(default: Any, schema: Schema, path: str) -> list[FieldError]:
    """As if the default came new, and as if it had been there: rules may look at the old value."""
    from pynetes.apimachinery.structural.evaluation import rules_of, run_rules

    rules = rules_of(schema, root=False)
    if rules is None:
        return []
    run = run_rules(rules, default, default, {}, path)
    return run.errors or run_rules(rules, default, None, {}, path).errors
