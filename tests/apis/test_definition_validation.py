"""Which CustomResourceDefinitions are refused, and in which words."""

from typing import Any

import pytest

from pynetes.apimachinery import names
from pynetes.apimachinery.meta import copy
from pynetes.apis.apiextensions.custom_resource_definition import CustomResourceDefinitionStrategy

TEXT, INTEGER = {"type": "string"}, {"type": "integer"}
RULES = "x-kubernetes-validations"
SPEC = "spec.validation.openAPIV3Schema.properties[spec]"
A = f"{SPEC}.properties[a]"
STRATEGY = CustomResourceDefinitionStrategy()


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}


def definition(
    schema: dict[str, Any] | None = None, spec: dict[str, Any] | None = None, **version: Any
) -> dict[str, Any]:
    own = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema or of()}, **version}
    made = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "as.x.example.com"},
        "spec": {
            "group": "x.example.com",
            "scope": "Namespaced",
            "names": {"plural": "as", "kind": "A"},
            "versions": [own],
            **(spec or {}),
        },
    }
    STRATEGY.default(made)
    STRATEGY.prepare_for_create(made)
    return made


def refusals(made: dict[str, Any]) -> list[str]:
    return [str(error) for error in STRATEGY.validate(made)]


def keyed(key: dict[str, Any], **items: Any) -> dict[str, Any]:
    return of(
        a={
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["b"],
            "items": {"type": "object", "properties": {"b": key}, **items},
        }
    )


@pytest.mark.parametrize(
    ("schema", "errors"),
    [
        (of(a=TEXT), []),
        (
            of(a={}),
            [f"{A}.type: Required value: must not be empty for specified object fields"],
        ),
        (
            of(a={"type": "foo"}),
            [
                f'{A}.type: Unsupported value: "foo": supported values: "array", "boolean", "integer", "number", '
                '"object", "string"'
            ],
        ),
        (
            of(a={**TEXT, "default": 5}),
            [f'{A}.default: Invalid value: "integer":  in body must be of type string: "integer"'],
        ),
        (
            of(a={"type": "object", "default": {"x": 1}, "properties": {"b": TEXT}}),
            [f'{A}.default: Invalid value: {{"x":1}}: must not have unknown fields'],
        ),
        (
            of(a={**INTEGER, "default": 1, RULES: [{"rule": "self > 1"}]}),
            [f"{A}.default: Invalid value: 1: failed rule: self > 1"],
        ),
        (
            of(a={"type": "object", "properties": {"b": TEXT}, "additionalProperties": TEXT}),
            [f"{A}.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"],
        ),
        (
            of(a={"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "object"}}),
            [
                f"{A}.items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with "
                "x-kubernetes-list-type=set"
            ],
        ),
        (
            keyed(TEXT),
            [
                f"{A}.items.properties[b].default: Required value: this property is in x-kubernetes-list-map-keys, so "
                "it must have a default or be a required property"
            ],
        ),
        (keyed(TEXT, required=["b"]), []),
        (
            keyed({"type": "object"}, required=["b"]),
            [
                f'{A}.items.properties[b].type: Invalid value: "object": must be a scalar type if parent array\'s '
                "x-kubernetes-list-type is map"
            ],
        ),
        (
            of(a={**TEXT, "x-kubernetes-list-type": "atomic"}),
            [f'{A}.type: Invalid value: "string": must be array if x-kubernetes-list-type is specified'],
        ),
        (
            of(a={"type": "array", "items": TEXT, "uniqueItems": True}),
            [
                f"{A}.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes "
                "quadratic"
            ],
        ),
        (of(a={"$ref": "#/a"}), [f"{A}.$ref: Forbidden: $ref is not supported"]),
        (
            {"type": "object", "nullable": True},
            ["spec.validation.openAPIV3Schema.nullable: Forbidden: nullable cannot be true at the root"],
        ),
        (
            {
                "type": "object",
                "properties": {
                    "metadata": {"type": "object", "properties": {"name": {"type": "string", "default": "x"}}}
                },
            },
            [
                "spec.validation.openAPIV3Schema.properties[metadata].properties[name].default: Forbidden: must not be "
                "set in top-level metadata"
            ],
        ),
    ],
)
def test_schemas(schema: dict[str, Any], errors: list[str]) -> None:
    assert refusals(definition(schema)) == errors


def rule(text: str) -> str:
    """A rule as errors show it."""
    rest = '"Message":"","MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null'
    return f'{{"Rule":"{text}",{rest}}}'


GREATER = rule("self \\u003e 'x'")


@pytest.mark.parametrize(
    ("node", "errors"),
    [
        ({**INTEGER, RULES: [{"rule": "self > 1"}]}, []),
        (
            {**INTEGER, RULES: [{"rule": "self"}]},
            [f"{A}.{RULES}[0].rule: Invalid value: {rule('self')}: cel expression must evaluate to a bool"],
        ),
        (
            {**INTEGER, RULES: [{"rule": "self > 'x'"}]},
            [
                f"{A}.{RULES}[0].rule: Invalid value: {GREATER}"
                ": compilation failed: ERROR: <input>:1:6: found no matching overload for '_>_' applied to "
                "'(int, string)'\n | self > 'x'\n | .....^"
            ],
        ),
        ({**INTEGER, RULES: [{"rule": " "}]}, [f"{A}.{RULES}[0].rule: Required value: rule is not specified"]),
        (
            {**INTEGER, RULES: [{"rule": "self > 1", "message": "a\nb"}]},
            [f'{A}.{RULES}[0].message: Invalid value: "a\\nb": must not contain line breaks'],
        ),
        (
            {**INTEGER, RULES: [{"rule": "self > 1", "reason": "X"}]},
            [
                f'{A}.{RULES}[0].reason: Unsupported value: "X": supported values: "FieldValueDuplicate", '
                '"FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"'
            ],
        ),
        (
            {"type": "object", "properties": {"b": TEXT}, RULES: [{"rule": "has(self.b)", "fieldPath": ".c"}]},
            [f'{A}.{RULES}[0].fieldPath: Invalid value: ".c": must be a valid path'],
        ),
        (
            {
                "type": "array",
                "items": {"type": "object", "properties": {"b": TEXT}},
                RULES: [{"rule": "self.all(x, self.all(y, x.b == y.b))"}],
            },
            [
                f"{A}.{RULES}[0].rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x (try "
                "simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and "
                "strings are declared)",
                f"{A}.{RULES}[0].rule: Forbidden: contributed to estimated rule cost total exceeding cost limit for "
                "entire OpenAPIv3 schema",
                "spec.validation.openAPIV3Schema: Forbidden: x-kubernetes-validations estimated rule cost total for "
                "entire OpenAPIv3 schema exceeds budget by factor of more than 100x (try simplifying the rule, or "
                "adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)",
            ],
        ),
        (
            {"type": "array", "items": {**INTEGER, RULES: [{"rule": "self >= oldSelf"}]}},
            [
                f'{A}.items.{RULES}[0].rule: Invalid value: "self >= oldSelf": oldSelf cannot be used on the '
                f"uncorrelatable portion of the schema within {A}"
            ],
        ),
        (
            {**INTEGER, RULES: [{"rule": "self > 1", "optionalOldSelf": True}]},
            [f"{A}.{RULES}[0].optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule"],
        ),
        (
            {**INTEGER, "anyOf": [{RULES: [{"rule": "self > 1"}]}]},
            [f"{A}.anyOf[0].{RULES}: Forbidden: must be empty to be structural"],
        ),
    ],
)
def test_rules(node: dict[str, Any], errors: list[str]) -> None:
    assert refusals(definition(of(a=node))) == errors


BUNDLED = {"url": "https://a", "caBundle": "Zm9v"}


@pytest.mark.parametrize(
    ("made", "errors"),
    [
        (
            definition(spec={"group": "x"}),
            [
                'metadata.name: Invalid value: "as.x.example.com": must be spec.names.plural+"."+spec.group',
                'spec.group: Invalid value: "x": should be a domain with at least one dot',
            ],
        ),
        (
            definition(spec={"scope": "Foo"}),
            ['spec.scope: Unsupported value: "Foo": supported values: "Cluster", "Namespaced"'],
        ),
        (
            definition(subresources={"scale": {"specReplicasPath": "spec.replicas", "statusReplicasPath": ".spec.x"}}),
            [
                'spec.subresources.scale.specReplicasPath: Invalid value: "spec.replicas": must be a simple json path '
                "starting with .",
                'spec.subresources.scale.statusReplicasPath: Invalid value: ".spec.x": should be a json path under '
                ".status",
            ],
        ),
        (
            definition(additionalPrinterColumns=[{"name": "a", "type": "foo", "jsonPath": "x"}]),
            [
                'spec.additionalPrinterColumns[0].type: Invalid value: "foo": must be one of '
                "boolean,date,integer,number,string",
                'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "x": must be a simple json path starting '
                "with .",
            ],
        ),
        (
            definition(
                of(a=TEXT, b={"type": "object"}),
                selectableFields=[
                    {"jsonPath": path} for path in (".spec.a", ".spec.a", ".spec.b", ".spec.c", ".spec['a']", ".x")
                ],
            ),
            [
                'spec.selectableFields[1].jsonPath: Duplicate value: ".spec.a"',
                'spec.selectableFields[2].jsonPath: Invalid value: ".spec.b": must point to a field of type string, '
                "boolean or integer. Enum string fields and strings with formats are allowed.",
                'spec.selectableFields[3].jsonPath: Invalid value: ".spec.c": is an invalid path: does not refer to a '
                "valid field",
                "spec.selectableFields[4].jsonPath: Invalid value: \".spec['a']\": is an invalid path: array notation "
                "is not allowed",
                'spec.selectableFields[5].jsonPath: Invalid value: ".x": is an invalid path: does not refer to a valid '
                "field",
            ],
        ),
        (
            definition(deprecationWarning="x"),
            [
                'spec.versions[0].deprecationWarning: Invalid value: "x": can only be set for deprecated versions',
            ],
        ),
        (
            definition(spec={"conversion": {"strategy": "Webhook"}}),
            [
                "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook",
                "spec.conversion.conversionReviewVersions: Required value",
            ],
        ),
        (
            definition(
                spec={
                    "conversion": {
                        "strategy": "Webhook",
                        "webhook": {"clientConfig": BUNDLED, "conversionReviewVersions": ["v2"]},
                    }
                }
            ),
            [
                'spec.conversion.conversionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, '
                "v1beta1"
            ],
        ),
        (
            definition(storage=False),
            [
                'spec.versions: Invalid value: [{"Name":"v1","Served":true,"Storage":false,"Deprecated":false,'
                '"DeprecationWarning":null,"Schema":null,"Subresources":null,"AdditionalPrinterColumns":null,'
                '"SelectableFields":null}]: must have exactly one version marked as storage version',
                "status.storedVersions: Invalid value: null: must have at least one stored version",
            ],
        ),
    ],
)
def test_definitions(made: dict[str, Any], errors: list[str]) -> None:
    assert refusals(made) == errors


def test_schemas_that_differ_stand_with_their_versions() -> None:
    made = definition()
    other = {**made["spec"]["versions"][0], "name": "v2", "storage": False, "schema": {"openAPIV3Schema": of(a={})}}
    made["spec"]["versions"].append(other)
    assert refusals(made) == [
        "spec.versions[1].schema.openAPIV3Schema.properties[spec].properties[a].type: Required value: must not be "
        "empty for specified object fields"
    ]


def test_groups_of_kubernetes_need_an_approval() -> None:
    made = definition(spec={"group": "x.k8s.io"})
    made["metadata"]["name"] = "as.x.k8s.io"
    path = "metadata.annotations[api-approved.kubernetes.io]"
    assert refusals(made) == [
        f'{path}: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see '
        "https://github.com/kubernetes/enhancements/pull/1111"
    ]
    for annotation, wrong in (("x", 1), ("unapproved, because", 0), ("https://example.com/pull/1", 0)):
        made["metadata"]["annotations"] = {"api-approved.kubernetes.io": annotation}
        assert len(refusals(made)) == wrong


def test_what_a_definition_is_for_never_changes() -> None:
    old = definition()
    old["status"]["conditions"] = [{"type": "Established", "status": "True"}]
    new = copy(old)
    new["spec"] |= {"scope": "Cluster", "group": "y.example.com"}
    new["spec"]["names"] |= {"kind": "B", "plural": "bs"}
    fields = [error.field for error in STRATEGY.validate_update(new, old) if error.detail == "field is immutable"]
    assert fields == ["spec.scope", "spec.names.kind", "spec.group", "spec.names.plural"]


def test_formats_that_nobody_knows_are_warned_of_once() -> None:
    schema = of(a={**TEXT, "format": "foo"}, b={**INTEGER, "format": "int32"}, c={**TEXT, "format": "date"})
    made = definition(schema)
    assert STRATEGY.warnings(made) == ['unrecognized format "foo"']
    assert STRATEGY.warnings(made, made) == []


BARE: dict[str, Any] = {"name": "v1", "served": True, "storage": True, "selectableFields": [{"jsonPath": ".spec.a"}]}
NOT_A_LABEL = names.dns1035_label("Bad!")[0]


@pytest.mark.parametrize(
    ("made", "errors"),
    [
        (
            definition(name="Bad!"),
            [f'{path}: Invalid value: "Bad!": {NOT_A_LABEL}' for path in ("spec.versions[0].name", "spec.version")],
        ),
        (
            {**definition(), "spec": definition()["spec"] | {"versions": [BARE]}},
            [
                "spec.versions[0].schema.openAPIV3Schema: Required value",
                'spec.selectableFields: Invalid value: "": may only be set when validations.schema is included',
            ],
        ),
        (
            definition(of(a={"type": "string", "default": "b"}), {"preserveUnknownFields": True}),
            [
                "spec.preserveUnknownFields: Invalid value: true: must be false in order to use defaults in the schema",
                "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set "
                "x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
            ],
        ),
        (
            {**definition(), "metadata": {"name": "as.x.example.com", "generateName": "b"}},
            ['metadata.generateName: Invalid value: "b": must be spec.names.plural+"."+spec.group'],
        ),
    ],
)  # fmt: skip
def test_what_is_told_of_a_definition(made: dict[str, Any], errors: list[str]) -> None:
    assert refusals(made) == errors
