"""Paths of fields as definitions write them, looked up in a schema."""

import pytest

from pynetes.apimachinery.structural.fieldpath import PathError, find, show

LABELS = {"type": "object", "additionalProperties": {"type": "string"}}
SCHEMA = {"properties": {"spec": {"properties": {"replicas": {"type": "integer"}, "a.b": LABELS, "it's": LABELS}}}}


@pytest.mark.parametrize(
    ("text", "shown", "leads_to"),
    [
        (".spec.replicas", "spec.replicas", {"type": "integer"}),
        (".spec['a.b']", "spec.a.b", LABELS),
        ("['spec']['a.b']['x/y']", "spec.a.b[x/y]", {"type": "string"}),
        (r".spec['it\'s'].x", "spec.it's[x]", {"type": "string"}),
    ],
)
def test_a_path_leads_to_a_field_or_a_key(text, shown, leads_to):
    steps, schema = find(text, SCHEMA)
    assert (show(steps), schema) == (shown, leads_to)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("spec", "expected [ or . but got: spec"),
        (".", "unexpected end of JSON path"),
        (".spec[", "unexpected end of JSON path"),
        (".spec[replicas]", "expected single quoted string but got replicas"),
        (".spec['replicas'.", "expected ] but got ."),
        (".spec.size", "does not refer to a valid field"),
        (".spec.replicas.x", "does not refer to a valid field"),
    ],
)
def test_what_is_no_path_into_the_schema_is_told(text, problem):
    with pytest.raises(PathError) as caught:
        find(text, SCHEMA)
    assert str(caught.value) == problem


def test_brackets_are_refused_where_a_column_has_none():
    with pytest.raises(PathError, match="array notation is not allowed"):
        find(".spec['replicas']", SCHEMA, brackets=False)
