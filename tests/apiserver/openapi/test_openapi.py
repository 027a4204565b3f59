"""The documents, checked for what kubectl and the client generators look up in them."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.schema import all_definitions
from pynetes.apimachinery.structural.objectschema import ObjectSchema
from pynetes.apis.registry import RESOURCES
from pynetes.apis.resource import SCALE, STATUS, Resource
from pynetes.apiserver.openapi import defaults, enums, operations, v2, v3

DOCUMENTS = v3.Documents(RESOURCES)


def document(group_version: str) -> dict[str, Any]:
    found = DOCUMENTS.find(group_version)
    assert found is not None
    loaded: dict[str, Any] = json.loads(found.json)
    return loaded


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        found = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return found.union(*map(references, node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()


def test_the_index_names_every_group_version_with_a_hash() -> None:
    paths = DOCUMENTS.index()
    assert {"api", "api/v1", "apis", "apis/apps", "apis/apps/v1", "version"} <= set(paths)
    url = paths["apis/apps/v1"]["serverRelativeURL"]
    assert url.startswith("/openapi/v3/apis/apps/v1?hash=")
    found = DOCUMENTS.find("apis/apps/v1")
    assert found is not None
    assert url.endswith(found.hash)
    assert len({entry["serverRelativeURL"].partition("hash=")[2] for entry in paths.values()}) == len(paths)


def test_hashes_follow_the_resources() -> None:
    before = DOCUMENTS.index()
    after = v3.Documents(RESOURCES[:-1]).index()
    changed = [key for key in before if before[key] != after.get(key)]
    assert len(changed) == 1
    assert v2.Document(RESOURCES).current.hash != v2.Document(RESOURCES[:-1]).current.hash


@pytest.mark.parametrize("key", list(DOCUMENTS.index()))
def test_every_document_is_closed(key: str) -> None:
    """Each reference leads to a schema of the same document, and no schema is there for nothing."""
    found = document(key)
    prefix = "#/components/schemas/"
    names = {reference.removeprefix(prefix) for reference in references(found)}
    assert names == set(found["components"].get("schemas", ()))


def test_an_unknown_group_version_is_not_found() -> None:
    assert DOCUMENTS.find("apis/nothing/v1") is None


def test_the_same_document_is_not_written_twice() -> None:
    first, second = DOCUMENTS.find("apis/apps/v1"), DOCUMENTS.find("apis/apps/v1")
    assert first is not None
    assert second is not None
    assert first.json is second.json
    whole = v2.Document(RESOURCES)
    assert whole.current.json is whole.current.json


def test_operations_of_a_namespaced_kind() -> None:
    paths = document("apis/apps/v1")["paths"]
    collection = paths["/apis/apps/v1/namespaces/{namespace}/deployments"]
    assert {method: collection[method]["operationId"] for method in ("get", "post", "delete")} == {
        "get": "listAppsV1NamespacedDeployment",
        "post": "createAppsV1NamespacedDeployment",
        "delete": "deleteAppsV1CollectionNamespacedDeployment",
    }
    assert paths["/apis/apps/v1/deployments"]["get"]["operationId"] == "listAppsV1DeploymentForAllNamespaces"
    scale = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"]["get"]
    assert scale["operationId"] == "readAppsV1NamespacedDeploymentScale"
    assert scale["x-kubernetes-group-version-kind"] == {"group": "autoscaling", "kind": "Scale", "version": "v1"}
    watch = paths["/apis/apps/v1/watch/namespaces/{namespace}/deployments/{name}"]["get"]
    assert (watch["operationId"], watch["x-kubernetes-action"]) == ("watchAppsV1NamespacedDeployment", "watch")


def test_kubectl_finds_field_validation_on_patch() -> None:
    path = document("apis/apps/v1")["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]
    assert {parameter["name"] for parameter in path["patch"]["parameters"]} == {
        "dryRun",
        "fieldManager",
        "fieldValidation",
        "force",
    }
    assert path["patch"]["x-kubernetes-group-version-kind"]["kind"] == "Deployment"
    assert {parameter["name"] for parameter in path["parameters"]} == {"name", "namespace", "pretty"}
    assert "application/apply-patch+yaml" in path["patch"]["requestBody"]["content"]


def test_parameters_of_all_operations_stand_with_the_path() -> None:
    path = document("api/v1")["paths"]["/api/v1/pods"]
    assert "parameters" not in path["get"]
    assert "labelSelector" in {parameter["name"] for parameter in path["parameters"]}


def test_connect_operations() -> None:
    paths = document("api/v1")["paths"]
    run = paths["/api/v1/namespaces/{namespace}/pods/{name}/exec"]
    assert (run["get"]["operationId"], run["get"]["x-kubernetes-action"]) == (
        "connectCoreV1GetNamespacedPodExec",
        "connect",
    )
    assert {"command", "container", "tty"} <= {parameter["name"] for parameter in run["parameters"]}
    proxy = paths["/api/v1/nodes/{name}/proxy/{path}"]
    assert set(proxy) == {"delete", "get", "head", "options", "parameters", "patch", "post", "put"}
    assert [(p["in"], p["name"]) for p in proxy["parameters"]] == [
        ("path", "name"),
        ("path", "path"),
        ("query", "path"),
    ]
    log = paths["/api/v1/namespaces/{namespace}/pods/{name}/log"]["get"]
    assert "text/plain" in log["responses"]["200"]["content"]


def test_version_3_schemas() -> None:
    schemas = document("apis/apps/v1")["components"]["schemas"]
    quantity = schemas["io.k8s.apimachinery.pkg.api.resource.Quantity"]
    assert quantity["oneOf"] == [{"type": "string"}, {"type": "number"}]
    template = schemas["io.k8s.api.apps.v1.DeploymentSpec"]["properties"]["template"]
    assert template["allOf"] == [{"$ref": "#/components/schemas/io.k8s.api.core.v1.PodTemplateSpec"}]
    assert template["default"] == {}
    kinds = schemas["io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"]["x-kubernetes-group-version-kind"]
    assert {(kind["group"], kind["version"]) for kind in kinds} == {("", "v1"), ("apps", "v1")}


def test_enums_and_defaults_of_fields() -> None:
    schemas = document("api/v1")["components"]["schemas"]
    port = schemas["io.k8s.api.core.v1.ContainerPort"]["properties"]
    assert (port["protocol"]["enum"], port["protocol"]["default"]) == (["SCTP", "TCP", "UDP"], "TCP")
    assert port["protocol"]["description"].endswith('Possible enum values:\n - `"SCTP"`\n - `"TCP"`\n - `"UDP"`')
    assert (port["containerPort"]["default"], "default" in port["hostPort"]) == (0, False)
    service = schemas["io.k8s.api.core.v1.ServiceSpec"]["properties"]
    assert service["ipFamilies"]["items"]["enum"] == ["", "IPv4", "IPv6"]
    claim = v2.tree(RESOURCES)["definitions"]["io.k8s.api.core.v1.PersistentVolumeClaimStatus"]["properties"]
    assert "NodeResizePending" in claim["allocatedResourceStatuses"]["additionalProperties"]["enum"]


def test_texts_that_kubectls_own_tests_look_for() -> None:
    text = json.dumps(v2.tree(RESOURCES))
    assert all(each in text for each in ("list of returned", "List of services", "Watch for changes to the described"))


def test_every_enum_and_default_is_of_a_field_that_there_is() -> None:
    for package, table in enums._TABLE.items():
        for name in " ".join(table).split():
            definition, _, field = name.partition(".")
            schema = all_definitions()[f"{package}.{definition}"]["properties"][field.rstrip("[]{}")]
            assert schema["type"] == {"]": "array", "}": "object"}.get(field[-1], "string"), name
    for name, values in defaults._DECLARED.items():
        assert values.keys() <= all_definitions()[f"io.k8s.api.{name}"]["properties"].keys()


def test_the_answer_to_a_delete_is_the_object_where_it_is_so() -> None:
    paths = document("api/v1")["paths"]

    def answer(path: str) -> str:
        content = paths[path]["delete"]["responses"]["200"]["content"]["application/json"]
        return str(content["schema"]["$ref"]).rpartition(".")[2]

    assert answer("/api/v1/namespaces/{namespace}/services/{name}") == "Service"
    assert answer("/api/v1/namespaces/{name}") == answer("/api/v1/nodes/{name}") == "Status"


def test_operation_ids_are_unique() -> None:
    ids = [
        operation["operationId"]
        for path in json.loads(v2.Document(RESOURCES).current.json)["paths"].values()
        for method, operation in path.items()
        if method != "parameters"
    ]
    assert len(ids) == len(set(ids)) > 700


def test_version_2_is_closed_and_complete() -> None:
    found = json.loads(v2.Document(RESOURCES).current.json)
    assert (found["swagger"], found["info"]["title"]) == ("2.0", "Kubernetes")
    entries = {f"#/{section}/{name}" for section in ("definitions", "parameters") for name in found[section]}
    assert references(found) == entries
    create = found["paths"]["/api/v1/namespaces/{namespace}/pods"]["post"]
    assert create["parameters"][0] == {
        "name": "body",
        "in": "body",
        "schema": {"$ref": "#/definitions/io.k8s.api.core.v1.Pod"},
        "required": True,
    }


def test_version_2_keeps_parameters_in_one_place_but_those_that_kubectl_looks_for() -> None:
    found = v2.tree(RESOURCES)
    path = found["paths"]["/api/v1/namespaces/{namespace}/pods/{name}"]
    shared = {part["$ref"].removeprefix("#/parameters/") for part in path["delete"]["parameters"] if "$ref" in part}
    assert {found["parameters"][name]["name"] for name in shared} == {
        "body",
        "gracePeriodSeconds",
        "ignoreStoreReadErrorWithClusterBreakingPotential",
        "orphanDependents",
        "propagationPolicy",
    }
    assert {part["name"] for part in path["delete"]["parameters"] if "name" in part} == {"dryRun"}
    assert "gracePeriodSeconds--K5HaBOS" in shared  # the text is the schema's, so is the hash upstream's


WIDGET = Resource(GroupVersionKind("example.com", "v1", "Widget"), "widgets", namespaced=True, subresources=(STATUS,))
KINDS = [{"group": "example.com", "version": "v1", "kind": "Widget"}]
EXTRA = {
    "com.example.v1.Widget": {
        "type": "object",
        "properties": {"metadata": {"$ref": "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}},
        "x-kubernetes-group-version-kind": KINDS,
    },
    "com.example.v1.WidgetList": {
        "type": "object",
        "properties": {"items": {"type": "array", "items": {"$ref": "#/definitions/com.example.v1.Widget"}}},
        "x-kubernetes-group-version-kind": [{**KINDS[0], "kind": "WidgetList"}],
    },
}


def test_custom_resources_are_described_too() -> None:
    documents = v3.Documents(RESOURCES)
    before, apps = documents.index(), documents.find("apis/apps/v1")
    documents.update([(WIDGET, EXTRA)])
    written = documents.find("apis/example.com/v1")
    assert written is not None
    found = json.loads(written.json)
    assert "com.example.v1.Widget" in found["components"]["schemas"]
    read = found["paths"]["/apis/example.com/v1/namespaces/{namespace}/widgets/{name}"]["get"]
    assert read["operationId"] == "readExampleComV1NamespacedWidget"
    reference = read["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    assert reference == "#/components/schemas/com.example.v1.Widget"
    after = documents.index()
    assert set(after) - set(before) == {"apis/example.com/v1"}
    assert all(after[key] == before[key] for key in before)
    assert documents.find("apis/apps/v1") is apps
    documents.update([(WIDGET, EXTRA)])
    assert documents.find("apis/example.com/v1") is written
    documents.update([(WIDGET, {**EXTRA, "com.example.v1.Widget": {"type": "object"}})])
    assert documents.index()["apis/example.com/v1"] != after["apis/example.com/v1"]
    documents.update(())
    assert documents.find("apis/example.com/v1") is None


@pytest.mark.parametrize(
    ("group", "name"),
    [("jobset.x-k8s.io", "jobsetXK8sIo"), ("cert-manager.io", "certManagerIo"), ("3scale.net", "ScaleNet")],
)
def test_names_of_operations_are_identifiers(group: str, name: str) -> None:
    resource = replace(WIDGET, gvk=WIDGET.gvk._replace(group=group), subresources=())
    read = next(found for found in operations.operations(resource, {}) if found.path.endswith("{name}"))
    assert (read.id, read.tag) == (f"read{name[:1].upper()}{name[1:]}V1NamespacedWidget", f"{name}_v1")


def test_custom_resources_are_described_as_the_original_describes_them() -> None:
    schema = ObjectSchema({"type": "object"})
    resource = replace(WIDGET, schema=schema, list_kind="WidgetCollection", subresources=(STATUS, SCALE))
    extra = {name.replace("WidgetList", "WidgetCollection"): dict(own) for name, own in EXTRA.items()}
    extra["com.example.v1.WidgetCollection"]["x-kubernetes-group-version-kind"] = [
        {**KINDS[0], "kind": "WidgetCollection"}
    ]
    documents = v3.Documents(RESOURCES)
    documents.update([(resource, extra)])
    written = documents.find("apis/example.com/v1")
    assert written is not None
    found = json.loads(written.json)
    assert found["info"] == {"title": "Kubernetes CRD Swagger", "version": "v0.1.0"}
    assert "securitySchemes" not in found["components"]
    root = "/apis/example.com/v1/namespaces/{namespace}/widgets"
    collection, one, scale = (found["paths"][path] for path in (root, f"{root}/{{name}}", f"{root}/{{name}}/scale"))
    content = collection["get"]["responses"]["200"]["content"]
    assert content["application/json"]["schema"]["$ref"].endswith(".WidgetCollection")
    assert set(content) == {"application/json", "application/yaml"}
    assert collection["get"]["description"] == "list objects of kind Widget"
    assert "requestBody" not in collection["delete"]
    assert "watch" in {parameter["name"] for parameter in collection["delete"]["parameters"]}
    assert [parameter["name"] for parameter in one["get"]["parameters"]] == ["resourceVersion"]
    assert set(one["patch"]["responses"]) == {"200", "401"}
    assert scale["get"]["x-kubernetes-group-version-kind"]["kind"] == "Widget"
