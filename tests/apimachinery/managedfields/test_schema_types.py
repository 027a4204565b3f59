from typing import Any

import pytest

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.managedfields.schema_types import SchemaError, named, of_custom_resource, of_kind
from pynetes.apimachinery.managedfields.types import (
    ATOMIC,
    DEDUCED,
    INT_OR_STRING,
    NUMERIC,
    STRING,
    UNTYPED,
    ListType,
    MapType,
    Type,
)

CORE = "io.k8s.api.core.v1."


def field(kind: Type, *names: str) -> Type:
    for name in names:
        assert kind.map is not None
        found = kind.map.type_of(name)
        assert found is not None, name
        kind = found
    return kind


def list_of(kind: Type) -> ListType:
    assert kind.list is not None
    return kind.list


def map_of(kind: Type) -> MapType:
    assert kind.map is not None
    return kind.map


@pytest.mark.parametrize(
    ("definition", "name", "atomic", "keys", "defaults"),
    [
        ("PodSpec", "containers", False, ("name",), {"name": ""}),
        ("PodSpec", "tolerations", True, (), {}),
        ("PodSpec", "topologySpreadConstraints", False, ("topologyKey", "whenUnsatisfiable"), None),
        ("Container", "ports", False, ("containerPort", "protocol"), {"containerPort": 0, "protocol": "TCP"}),
        ("Container", "args", True, (), {}),
        ("ServiceSpec", "ports", False, ("port", "protocol"), {"port": 0, "protocol": "TCP"}),
        ("ServiceAccount", "secrets", False, ("name",), {}),
        ("ServiceAccount", "imagePullSecrets", True, (), {}),
        ("PodSpec", "imagePullSecrets", False, ("name",), {"name": ""}),
        ("NodeStatus", "images", True, (), {}),
    ],
)
def test_lists_of_built_in_kinds(
    definition: str, name: str, atomic: bool, keys: tuple[str, ...], defaults: dict[str, Any] | None
) -> None:
    kind = list_of(field(named(CORE + definition), name))
    assert (kind.atomic, kind.keys) == (atomic, keys)
    if defaults is not None:
        assert kind.defaults == defaults


def test_sets_have_no_keys() -> None:
    kind = list_of(field(named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"), "finalizers"))
    assert not kind.atomic
    assert kind.keys == ()


def test_atomic_structs_and_maps() -> None:
    assert map_of(field(named(CORE + "ServiceSpec"), "selector")).atomic
    assert map_of(named("io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector")).atomic
    assert not map_of(field(named(CORE + "ConfigMap"), "data")).atomic
    assert not map_of(field(named(CORE + "PersistentVolumeClaimStatus"), "allocatedResourceStatuses")).atomic


def test_scalars() -> None:
    container = named(CORE + "Container")
    assert field(container, "image") is STRING
    assert field(named(CORE + "PodSpec"), "priority") is NUMERIC
    assert field(container, "resources", "limits", "cpu") is UNTYPED
    assert field(named(CORE + "ServicePort"), "targetPort") is INT_OR_STRING
    assert field(named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"), "creationTimestamp") is UNTYPED
    assert field(named("io.k8s.api.apps.v1.ControllerRevision"), "data") is ATOMIC


def test_definitions_may_hold_themselves() -> None:
    schema = named("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps")
    assert field(schema, "properties", "any") is schema


def test_kinds() -> None:
    assert of_kind(GroupVersionKind("", "v1", "Pod")) is named(CORE + "Pod")
    assert of_kind(GroupVersionKind("stable.example.com", "v1", "CronTab")) is None


SCHEMA = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "replicas": {"type": "integer"},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "rules": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["port", "protocol"],
                    "items": {
                        "type": "object",
                        "properties": {"port": {"type": "integer"}, "protocol": {"type": "string", "default": "TCP"}},
                    },
                },
                "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
                "plain": {"type": "array", "items": {"type": "string"}},
                "port": {"x-kubernetes-int-or-string": True},
                "point": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"x": {"type": "number"}}},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "embedded": {"type": "object", "x-kubernetes-embedded-resource": True},
            },
        }
    },
}


def test_custom_resources_are_what_their_schema_says() -> None:
    spec = field(of_custom_resource(SCHEMA), "spec")
    assert field(spec, "replicas") is NUMERIC
    assert map_of(spec).type_of("other") is None
    assert field(spec, "free", "anything") is DEDUCED
    rules = list_of(field(spec, "rules"))
    assert (rules.atomic, rules.keys, rules.defaults) == (False, ("port", "protocol"), {"protocol": "TCP"})
    assert not list_of(field(spec, "tags")).atomic
    assert list_of(field(spec, "plain")).atomic
    assert field(spec, "port").facet("http") == "scalar"
    assert map_of(field(spec, "point")).atomic
    assert field(spec, "labels", "any") is STRING
    assert field(spec, "embedded", "metadata", "labels", "x") is STRING


def test_types_know_whether_they_are_certain_throughout() -> None:
    assert not named(CORE + "Pod").loose
    assert named("io.k8s.api.apps.v1.ControllerRevision").loose
    assert of_custom_resource(SCHEMA).loose
    assert not of_custom_resource({"type": "object", "properties": {"spec": {"type": "integer"}}}).loose


def test_custom_resources_have_metadata_and_a_type() -> None:
    kind = of_custom_resource(SCHEMA)
    assert field(kind, "metadata") is named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
    assert field(kind, "apiVersion").scalar == "string"


def test_without_a_schema_a_type_is_deduced() -> None:
    assert of_custom_resource(None) is DEDUCED
    preserving = of_custom_resource({"type": "object", "x-kubernetes-preserve-unknown-fields": True})
    assert field(preserving, "spec") is DEDUCED


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "array", "x-kubernetes-list-type": "map", "items": {"type": "object"}}, "missing map keys"),
        ({"type": "array", "x-kubernetes-list-type": "bag"}, "unknown list type bag"),
        ({"type": "object", "x-kubernetes-map-type": "bag"}, "unknown map type bag"),
        ({"type": "thing"}, "unrecognized type: 'thing'"),
    ],
)
def test_schemas_that_make_no_sense(schema: dict[str, Any], message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        of_custom_resource({"type": "object", "properties": {"spec": schema}})
