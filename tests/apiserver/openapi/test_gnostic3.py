"""OpenAPI v3 as protobuf, read back by Google's own library with gnostic's field numbers."""

from typing import Any

import pytest
import yaml

from pynetes.apis.registry import RESOURCES
from pynetes.apiserver.openapi import gnostic3, v3
from tests.apiserver.openapi.messages import message_class

#: A part of openapi.v3, as `messages` reads it.
_PART: dict[str, dict[str, tuple[int, str]]] = {
    "Document": {"openapi": (1, "string"), "paths": (4, "Paths"), "components": (5, "Components")},
    "Paths": {"path": (1, "*NamedPathItem")},
    "NamedPathItem": {"name": (1, "string"), "value": (2, "PathItem")},
    "PathItem": {"patch": (10, "Operation"), "parameters": (13, "*ParameterOrReference")},
    "ParameterOrReference": {"parameter": (1, "Parameter")},
    "Parameter": {"name": (1, "string"), "required": (4, "bool"), "schema": (10, "SchemaOrReference")},
    "Operation": {
        "operation_id": (5, "string"),
        "parameters": (6, "*ParameterOrReference"),
        "request_body": (7, "RequestBodyOrReference"),
        "responses": (8, "Responses"),
        "specification_extension": (13, "*NamedAny"),
    },
    "RequestBodyOrReference": {"request_body": (1, "RequestBody")},
    "RequestBody": {"content": (2, "MediaTypes"), "required": (3, "bool")},
    "MediaTypes": {"additional_properties": (1, "*NamedMediaType")},
    "NamedMediaType": {"name": (1, "string"), "value": (2, "MediaType")},
    "MediaType": {"schema": (1, "SchemaOrReference")},
    "Responses": {"response_or_reference": (2, "*NamedResponseOrReference")},
    "NamedResponseOrReference": {"name": (1, "string"), "value": (2, "ResponseOrReference")},
    "ResponseOrReference": {"response": (1, "Response")},
    "Response": {"description": (1, "string"), "content": (3, "MediaTypes")},
    "Components": {"schemas": (1, "Schemas")},
    "Schemas": {"additional_properties": (1, "*NamedSchemaOrReference")},
    "NamedSchemaOrReference": {"name": (1, "string"), "value": (2, "SchemaOrReference")},
    "SchemaOrReference": {"schema": (1, "Schema"), "reference": (2, "Reference")},
    "Reference": {"_ref": (1, "string")},
    "Schema": {
        "required": (23, "*string"),
        "enum": (24, "*Any"),
        "type": (25, "string"),
        "all_of": (26, "*SchemaOrReference"),
        "items": (30, "ItemsItem"),
        "properties": (31, "Schemas"),
        "default": (33, "DefaultType"),
        "specification_extension": (36, "*NamedAny"),
    },
    "ItemsItem": {"schema_or_reference": (1, "*SchemaOrReference")},
    "DefaultType": {"number": (1, "double"), "boolean": (2, "bool"), "string": (3, "string")},
    "NamedAny": {"name": (1, "string"), "value": (2, "Any")},
    "Any": {"yaml": (2, "string")},
}


@pytest.fixture(scope="module")
def document() -> Any:
    found = v3.Documents(RESOURCES).find("apis/apps/v1")
    assert found is not None
    return message_class(_PART, "openapi.v3").FromString(found.protobuf)


def entries(of: Any) -> dict[str, Any]:
    return {entry.name: entry.value for entry in of.additional_properties}


def extensions(of: Any) -> dict[str, Any]:
    return {extension.name: yaml.safe_load(extension.value.yaml) for extension in of.specification_extension}


def test_schemas_with_references_enums_and_defaults(document: Any) -> None:
    found = {name: value.schema for name, value in entries(document.components.schemas).items()}
    strategy = entries(found["io.k8s.api.apps.v1.DeploymentStrategy"].properties)["type"].schema
    assert [value.yaml for value in strategy.enum] == ["Recreate\n", "RollingUpdate\n"]
    spec = entries(found["io.k8s.api.apps.v1.DeploymentSpec"].properties)
    assert spec["template"].schema.all_of[0].reference._ref.endswith("PodTemplateSpec")
    assert spec["template"].schema.HasField("default")
    port = entries(found["io.k8s.api.core.v1.ContainerPort"].properties)
    assert port["protocol"].schema.default.string == "TCP"
    assert port["containerPort"].schema.HasField("default")
    assert not port["hostPort"].schema.HasField("default")
    containers = entries(found["io.k8s.api.core.v1.PodSpec"].properties)["containers"].schema
    assert containers.items.schema_or_reference[0].reference._ref.endswith(".Container")
    assert extensions(containers)["x-kubernetes-patch-merge-key"] == "name"


def test_what_kubectl_looks_for_before_it_applies(document: Any) -> None:
    """A patch's kind and whether it knows field validation."""
    wanted = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
    path = next(entry.value for entry in document.paths.path if entry.name == wanted)
    assert path.patch.operation_id == "patchAppsV1NamespacedDeployment"
    assert extensions(path.patch)["x-kubernetes-group-version-kind"]["kind"] == "Deployment"
    assert "fieldValidation" in {item.parameter.name for item in path.patch.parameters}
    assert {item.parameter.name for item in path.parameters if item.parameter.required} == {"name", "namespace"}
    body = path.patch.request_body.request_body
    assert body.required
    assert "application/apply-patch+yaml" in entries(body.content)
    answers = {entry.name: entry.value.response for entry in path.patch.responses.response_or_reference}
    assert (answers["201"].description, answers["401"].description) == ("Created", "Unauthorized")


def test_all_that_schemas_of_custom_resources_hold_can_be_written() -> None:
    schema = {
        "anyOf": [{"type": "integer"}, {"not": {"pattern": "a"}}],
        "default": [1],
        "additionalProperties": False,
        "enum": [None, 1.5],
        "minimum": -1,
        "maxLength": 3,
        "nullable": True,
        "x-kubernetes-preserve-unknown-fields": True,
        "example": {"a": 1},
        "externalDocs": {"url": "https://example.com"},
    }
    written = gnostic3.encode({"components": {"schemas": {"a": schema}}})
    zeros = {"maximum": 0, "minLength": 0, "uniqueItems": False}
    assert gnostic3.encode({"components": {"schemas": {"a": {**zeros, **schema}}}}) == written
    with pytest.raises(KeyError):
        gnostic3.encode({"openapi": "3.0.0", "nonsense": 1})
