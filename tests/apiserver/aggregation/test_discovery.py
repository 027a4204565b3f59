"""What clients are told of a group that another server serves."""

from collections.abc import Callable
from typing import Any

from pynetes.apiserver.aggregation import discovery
from pynetes.apiserver.server import APIServer
from pynetes.client.discovery import discover
from tests.apiserver.aggregation.conftest import API_SERVICES, GROUP, NAME, ROOT, Web, api_service, service, until
from tests.apiserver.customresources.conftest import cron_tab

Object = dict[str, Any]

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


async def _entry(web: Web) -> Object | None:
    found = await web.ok("GET", "/apis", accept=_AGGREGATED)
    return next((item for item in found["items"] if item["metadata"]["name"] == GROUP), None)


async def test_all_forms_of_discovery_name_the_group(web: Web, served: Object) -> None:
    async def current() -> Object | None:
        found = await _entry(web)
        return found if found and found["versions"][0]["freshness"] == "Current" else None

    entry = await until(current, "fresh discovery")
    assert [resource["resource"] for resource in entry["versions"][0]["resources"]] == ["crontabs"]
    assert GROUP in [group["name"] for group in (await web.ok("GET", "/apis"))["groups"]]
    assert (await web.ok("GET", f"/apis/{GROUP}"))["preferredVersion"]["version"] == "v1"
    assert [resource["name"] for resource in (await web.ok("GET", ROOT))["resources"]] == ["crontabs"]
    assert ROOT in (await web.ok("GET", "/"))["paths"]


async def test_a_group_whose_server_does_not_answer_is_stale(server: APIServer, web: Web, silent_port: int) -> None:
    await web.ok("POST", "/api/v1/namespaces/default/services", service())
    await web.ok("POST", API_SERVICES, api_service(silent_port, insecureSkipTLSVerify=True))
    entry = await until(lambda: _entry(web), "the group")
    assert entry["versions"] == [{"version": "v1", "freshness": "Stale"}]
    assert (await discover(server.client())).stale == {f"{GROUP}/v1"}


async def test_a_deleted_group_is_named_no_more(web: Web, served: Object) -> None:
    await web.ok("DELETE", f"{API_SERVICES}/{NAME}")

    async def gone() -> bool:
        return await _entry(web) is None

    await until(gone, "the group to go")
    assert (await web("GET", f"/apis/{GROUP}")).status == 404


async def test_stock_kubectl_finds_explains_and_changes(web: Web, served: Object, kubectl: Callable[..., Any]) -> None:
    async def described() -> bool:
        return f"apis/{GROUP}/v1" in (await web.ok("GET", "/openapi/v3"))["paths"]

    await until(described, "the description")
    code, out = await kubectl("create", "-f", "-", stdin=str(cron_tab()).replace("'", '"'))
    assert code == 0, out
    code, out = await kubectl("get", "crontabs")
    assert code == 0, out
    assert out.splitlines()[1].split()[0] == "a"
    code, out = await kubectl("explain", "crontabs.spec.cronSpec")
    assert code == 0, out
    assert "When to run." in out
    code, out = await kubectl("get", "apiservices", NAME)
    assert out.splitlines()[1].split()[:3] == [NAME, "default/backend", "True"]


def test_a_group_versions_resources_are_picked_out_of_many() -> None:
    resource = {"resource": "yes", "subresources": [{"subresource": "s"}]}
    document = {
        "items": [
            {"metadata": {"name": "other"}, "versions": [{"version": "v1", "resources": [{"resource": "no"}]}]},
            {"metadata": {"name": "g"}, "versions": [{"version": "v1", "resources": [resource]}]},
        ]
    }
    assert discovery.picked(document, "g", "v1") == [
        {"resource": "yes", "responseKind": {}, "subresources": [{"subresource": "s", "responseKind": {}}]}
    ]
    assert discovery.picked(document, "g", "v2") == []


def test_the_old_form_is_converted_with_its_subresources() -> None:
    resources = {
        "resources": [
            {
                "name": "a",
                "singularName": "one",
                "namespaced": True,
                "kind": "A",
                "verbs": ["get"],
            },
            {"name": "a/status", "namespaced": True, "kind": "A", "verbs": ["get", "update"]},
            {"name": "b", "kind": "B", "group": "else", "version": "v9", "verbs": ["list"]},
        ]
    }
    kind = {"group": "g", "version": "v1", "kind": "A"}
    assert list(discovery.converted(resources, "g", "v1")) == [
        {
            "resource": "a",
            "responseKind": kind,
            "scope": "Namespaced",
            "singularResource": "one",
            "verbs": ["get"],
            "subresources": [{"subresource": "status", "responseKind": kind, "verbs": ["get", "update"]}],
        },
        {
            "resource": "b",
            "responseKind": {"group": "else", "version": "v9", "kind": "B"},
            "scope": "Cluster",
            "singularResource": "",
            "verbs": ["list"],
        },
    ]
