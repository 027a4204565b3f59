"""The OpenAPI document as protobuf, read back by Google's own library with gnostic's field numbers."""

from typing import Any

import pytest
import yaml

from pynetes.apis.registry import RESOURCES
from pynetes.apiserver.openapi import gnostic, v2
from tests.apiserver.openapi.messages import message_class

#: A part of openapi.v2, as `messages` reads it.
_PART: dict[str, dict[str, tuple[int, str]]] = {
    "Document": {
        "swagger": (1, "string"),
        "paths": (8, "Paths"),
        "definitions": (9, "Definitions"),
        "parameters": (10, "ParameterDefinitions"),
    },
    "ParameterDefinitions": {"additional_properties": (1, "*NamedParameter")},
    "NamedParameter": {"name": (1, "string"), "value": (2, "Parameter")},
    "JsonReference": {"_ref": (1, "string")},
    "Paths": {"path": (2, "*NamedPathItem")},
    "NamedPathItem": {"name": (1, "string"), "value": (2, "PathItem")},
    "PathItem": {"get": (2, "Operation"), "parameters": (9, "*ParametersItem")},
    "Operation": {"operation_id": (5, "string"), "vendor_extension": (13, "*NamedAny")},
    "ParametersItem": {"parameter": (1, "Parameter"), "json_reference": (2, "JsonReference")},
    "Parameter": {"body_parameter": (1, "BodyParameter"), "non_body_parameter": (2, "NonBodyParameter")},
    "BodyParameter": {"name": (2, "string")},
    "NonBodyParameter": {"path_parameter_sub_schema": (4, "PathParameterSubSchema")},
    "PathParameterSubSchema": {"required": (1, "bool"), "name": (4, "string"), "unique_items": (19, "bool")},
    "Definitions": {"additional_properties": (1, "*NamedSchema")},
    "NamedSchema": {"name": (1, "string"), "value": (2, "Schema")},
    "Schema": {
        "_ref": (1, "string"),
        "description": (4, "string"),
        "required": (19, "*string"),
        "type": (22, "TypeItem"),
        "items": (23, "ItemsItem"),
        "properties": (25, "Properties"),
        "vendor_extension": (31, "*NamedAny"),
    },
    "TypeItem": {"value": (1, "*string")},
    "ItemsItem": {"schema": (1, "*Schema")},
    "Properties": {"additional_properties": (1, "*NamedSchema")},
    "NamedAny": {"name": (1, "string"), "value": (2, "Any")},
    "Any": {"yaml": (2, "string")},
}


@pytest.fixture(scope="module")
def document() -> Any:
    return message_class(_PART, "openapi.v2").FromString(gnostic.encode(v2.tree(RESOURCES)))


def extensions(of: Any) -> dict[str, Any]:
    return {extension.name: yaml.safe_load(extension.value.yaml) for extension in of.vendor_extension}


def test_every_definition_is_there_with_its_kind(document: Any) -> None:
    tree = v2.tree(RESOURCES)
    found = {entry.name: entry.value for entry in document.definitions.additional_properties}
    assert list(found) == list(tree["definitions"])
    pod = found["io.k8s.api.core.v1.Pod"]
    assert extensions(pod) == {"x-kubernetes-group-version-kind": [{"group": "", "kind": "Pod", "version": "v1"}]}
    properties = {entry.name: entry.value for entry in pod.properties.additional_properties}
    assert properties["spec"]._ref == "#/definitions/io.k8s.api.core.v1.PodSpec"
    spec = found["io.k8s.api.core.v1.PodSpec"]
    assert list(spec.required) == ["containers"]
    containers = next(entry.value for entry in spec.properties.additional_properties if entry.name == "containers")
    assert list(containers.type.value) == ["array"]
    assert containers.items.schema[0]._ref == "#/definitions/io.k8s.api.core.v1.Container"
    assert extensions(containers)["x-kubernetes-patch-merge-key"] == "name"


def test_paths_have_their_operations_and_parameters(document: Any) -> None:
    path = next(p.value for p in document.paths.path if p.name == "/api/v1/namespaces/{namespace}/pods/{name}")
    assert path.get.operation_id == "readCoreV1NamespacedPod"
    assert extensions(path.get)["x-kubernetes-action"] == "get"
    named = [item.parameter.non_body_parameter.path_parameter_sub_schema for item in path.parameters]
    assert "name" in {parameter.name for parameter in named}
    shared = {entry.name: entry.value for entry in document.parameters.additional_properties}
    referred = [item.json_reference._ref.removeprefix("#/parameters/") for item in path.parameters]
    namespace = next(shared[name] for name in referred if name.startswith("namespace"))
    assert namespace.non_body_parameter.path_parameter_sub_schema.required
    assert namespace.non_body_parameter.path_parameter_sub_schema.unique_items


def test_a_key_that_has_no_field_is_an_error_not_a_loss() -> None:
    with pytest.raises(KeyError):
        gnostic.encode({"swagger": "2.0", "nonsense": 1})
