"""The documents, checked for what kubectl and the client generators look up in them."""

import json
from typing import Any

import pytest

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.registry import RESOURCES
from pynetes.apis.resource import STATUS, Resource
from pynetes.apiserver.openapi import v2, v3


def document(group_version: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(v3.document(group_version, RESOURCES))
    return loaded


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        found = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return found.union(*map(references, node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()


def test_the_index_names_every_group_version_with_a_hash() -> None:
    paths = v3.index(RESOURCES)["paths"]
    assert {"api", "api/v1", "apis", "apis/apps", "apis/apps/v1", "version"} <= set(paths)
    url = paths["apis/apps/v1"]["serverRelativeURL"]
    assert url.startswith("/openapi/v3/apis/apps/v1?hash=")
    assert url.endswith(v3.document_hash("apis/apps/v1", RESOURCES))
    assert len({entry["serverRelativeURL"].partition("hash=")[2] for entry in paths.values()}) == len(paths)


def test_hashes_follow_the_resources() -> None:
    before = v3.index(RESOURCES)["paths"]
    after = v3.index(RESOURCES[:-1])["paths"]
    changed = [key for key in before if before[key] != after.get(key)]
    assert len(changed) == 1
    assert v2.Document(RESOURCES).hash != v2.Document(RESOURCES[:-1]).hash


@pytest.mark.parametrize("key", list(v3.index(RESOURCES)["paths"]))
def test_every_document_is_closed(key: str) -> None:
    """Each reference leads to a schema of the same document, and no schema is there for nothing."""
    found = document(key)
    prefix = "#/components/schemas/"
    names = {reference.removeprefix(prefix) for reference in references(found)}
    assert names == set(found["components"]["schemas"])


def test_an_unknown_group_version_is_not_found() -> None:
    assert v3.document("apis/nothing/v1", RESOURCES) is None


def test_the_same_document_is_not_written_twice() -> None:
    assert v3.document("apis/apps/v1", RESOURCES) is v3.document("apis/apps/v1", RESOURCES)
    whole = v2.Document(RESOURCES)
    assert whole.json() is whole.json()


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
    assert {kind["group"] for kind in kinds} == {"", "apps"}


def test_operation_ids_are_unique() -> None:
    ids = [
        operation["operationId"]
        for path in json.loads(v2.Document(RESOURCES).json())["paths"].values()
        for method, operation in path.items()
        if method != "parameters"
    ]
    assert len(ids) == len(set(ids)) > 700


def test_version_2_is_closed_and_complete() -> None:
    found = json.loads(v2.Document(RESOURCES).json())
    assert (found["swagger"], found["info"]["title"]) == ("2.0", "Kubernetes")
    names = {reference.removeprefix("#/definitions/") for reference in references(found)}
    assert names == set(found["definitions"])
    create = found["paths"]["/api/v1/namespaces/{namespace}/pods"]["post"]
    assert create["parameters"][0] == {
        "name": "body",
        "in": "body",
        "schema": {"$ref": "#/definitions/io.k8s.api.core.v1.Pod"},
        "required": True,
    }


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
    resources = (*RESOURCES, WIDGET)
    found = json.loads(v3.document("apis/example.com/v1", resources, EXTRA))
    assert "com.example.v1.Widget" in found["components"]["schemas"]
    read = found["paths"]["/apis/example.com/v1/namespaces/{namespace}/widgets/{name}"]["get"]
    assert read["operationId"] == "readExampleComV1NamespacedWidget"
    reference = read["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    assert reference == "#/components/schemas/com.example.v1.Widget"
    before, after = v3.index(RESOURCES)["paths"], v3.index(resources, EXTRA)["paths"]
    assert set(after) - set(before) == {"apis/example.com", "apis/example.com/v1"}
    assert all(after[key] == before[key] for key in before)
