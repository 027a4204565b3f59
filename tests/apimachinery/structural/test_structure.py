"""Which schemas are structural."""

from typing import Any

import pytest

from pynetes.apimachinery.structural.structure import unsupported, validate_structural

TEXT = {"type": "string"}
OBJECT = {"type": "object"}


def of(**properties: Any) -> dict[str, Any]:
    return {**OBJECT, "properties": properties}


@pytest.mark.parametrize(
    ("schema", "errors"),
    [
        (of(a=TEXT), []),
        ({}, ["s.type: Required value: must not be empty at the root"]),
        (TEXT, ['s.type: Invalid value: "string": must be object at the root']),
        (of(a={}), ["s.properties[a].type: Required value: must not be empty for specified object fields"]),
        (
            of(a={"type": "array", "items": {}}),
            ["s.properties[a].items.type: Required value: must not be empty for specified array items"],
        ),
        (of(a={"type": "array"}), ["s.properties[a].items: Required value: must be specified"]),
        ({**OBJECT, "additionalProperties": TEXT}, ["s.additionalProperties: Forbidden: must not be used at the root"]),
        (of(a={"x-kubernetes-int-or-string": True}), []),
        (of(a={"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, TEXT]}), []),
        (
            of(
                a={
                    "x-kubernetes-int-or-string": True,
                    "allOf": [{"anyOf": [{"type": "integer"}, TEXT]}, {"maximum": 1}],
                }
            ),
            [],
        ),
        (of(a={"x-kubernetes-preserve-unknown-fields": True}), []),
        (
            of(a={"anyOf": [{"type": "boolean"}, TEXT]}),
            [
                "s.properties[a].anyOf[0].type: Forbidden: must be empty to be structural",
                "s.properties[a].anyOf[1].type: Forbidden: must be empty to be structural",
                "s.properties[a].type: Required value: must not be empty for specified object fields",
            ],
        ),
        (
            {**of(a=TEXT), "allOf": [{"properties": {"b": {"pattern": "x"}}}]},
            ["s.properties[b]: Required value: because it is defined in s.allOf[0].properties[b]"],
        ),
        (
            {**of(a=TEXT), "not": {"properties": {"a": {"default": 1, "description": "d", "nullable": True}}}},
            [
                "s.not.properties[a].default: Forbidden: must be undefined to be structural",
                "s.not.properties[a].description: Forbidden: must be empty to be structural",
                "s.not.properties[a].nullable: Forbidden: must be false to be structural",
            ],
        ),
        (of(metadata={**OBJECT, "properties": {"name": {**TEXT, "pattern": "^a"}}}), []),
        (
            of(metadata={**OBJECT, "properties": {"labels": OBJECT}}),
            [
                "s.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but "
                "metadata is implicitly specified"
            ],
        ),
        (of(kind={"type": "integer"}), ['s.properties[kind].type: Invalid value: "integer": must be string']),
        (
            of(a={"x-kubernetes-embedded-resource": True}),
            [
                "s.properties[a].properties: Required value: must not be empty if x-kubernetes-embedded-resource is "
                "true without x-kubernetes-preserve-unknown-fields",
                "s.properties[a].type: Required value: must be object if x-kubernetes-embedded-resource is true",
            ],
        ),
        (
            of(a={**TEXT, "pattern": "a("}),
            [
                's.properties[a].pattern: Invalid value: "a(": must be a valid regular expression, but isn\'t: error '
                "parsing regexp: missing closing ): `a(`"
            ],
        ),
    ],
)
def test_structural(schema: dict[str, Any], errors: list[str]) -> None:
    assert [str(error) for error in validate_structural(schema, "s")] == errors


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        (of(a=TEXT), ""),
        (of(a={"$ref": "#/x"}), "OpenAPIV3Schema '$ref' is not supported"),
        ({"patternProperties": {"a": TEXT}}, "OpenAPIV3Schema 'patternProperties' is not supported"),
        (of(a={"items": [TEXT]}), "OpenAPIV3Schema 'items' must be a schema, but is an array"),
    ],
)
def test_unsupported(schema: dict[str, Any], problem: str) -> None:
    assert unsupported(schema) == problem
