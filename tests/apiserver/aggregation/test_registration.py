"""Local APIServices come, change and go with what is served."""

from collections.abc import Callable
from typing import Any

import pytest

from pynetes.apiserver.aggregation.priorities import listed, ordered
from pynetes.apiserver.aggregation.registration import ALWAYS, MANAGED, ON_START, Step, api_service, custom, decide
from pynetes.apiserver.config import APIServerConfig
from pynetes.apiserver.server import APIServer
from tests.apiserver.aggregation.conftest import API_SERVICES, NAME, Web, available, establish, reason, until
from tests.apiserver.customresources.conftest import definition

Object = dict[str, Any]

WANTED = api_service("g", "v1", (1000, 100), ALWAYS)
OTHER = api_service("g", "v1", (1000, 99), ALWAYS)
UNMANAGED = {**OTHER, "metadata": {"name": "v1.g"}}
ALWAYS_ENOUGH = {"v1.", "v1.apps", "v2.autoscaling", "v1.autoscaling", "v1.flowcontrol.apiserver.k8s.io"}


@pytest.mark.parametrize(
    ("wanted", "present", "step"),
    [
        (None, None, ""),
        (WANTED, None, "create"),
        (WANTED, WANTED, ""),
        (WANTED, OTHER, "update"),
        (WANTED, UNMANAGED, ""),
        (None, UNMANAGED, ""),
        (None, OTHER, "delete"),
    ],
)
def test_what_is_to_be_done(wanted: Object | None, present: Object | None, step: Step) -> None:
    assert decide(wanted, present) == step


def test_served_versions_of_definitions_are_wanted() -> None:
    assert custom([definition()], NAME) == api_service("stable.example.com", "v1", (1000, 100), ALWAYS)
    assert custom([definition()], "v2.stable.example.com") is None
    assert custom([definition()], "v1.example.com") is None


def test_groups_stand_by_priority_and_versions_too() -> None:
    ranks = {
        ("b", "v1"): (1000, 100),
        ("a", "v1"): (1000, 100),
        ("b", "v2"): (1000, 100),
        ("", "v1"): (18000, 1),
        ("c", "v1beta1"): (2000, 15),
        ("c", "v1"): (100, 10),
    }
    assert ordered(ranks) == {"": ["v1"], "c": ["v1beta1", "v1"], "a": ["v1"], "b": ["v2", "v1"]}


def test_a_list_of_groups_follows_the_names_of_their_services() -> None:
    ranks = {("b", "v1"): (1000, 1), ("a", "v2"): (1000, 1), ("c", "v3"): (1000, 1), ("c", "v1"): (2000, 1)}
    assert listed(ranks) == ["c", "b", "a"]


async def test_every_built_in_group_version_has_one(web: Web) -> None:
    found = {item["metadata"]["name"]: item for item in (await web.ok("GET", API_SERVICES))["items"]}
    assert found.keys() >= ALWAYS_ENOUGH
    assert "v1.apiregistration.k8s.io" not in found
    apps = found["v1.apps"]
    assert apps["spec"] == {"group": "apps", "version": "v1", "groupPriorityMinimum": 17800, "versionPriority": 15}
    assert apps["metadata"]["labels"] == {MANAGED: ON_START}
    assert (await available(web, "v1.apps"))["reason"] == "Local"


async def test_custom_groups_have_one_as_long_as_their_definition(web: Web) -> None:
    await establish(web, definition())
    await reason_of(web, "Local")
    await web.ok("DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/crontabs.stable.example.com")

    async def gone() -> bool:
        return (await web("GET", f"{API_SERVICES}/{NAME}")).status == 404

    await until(gone, "the APIService to go")


async def reason_of(web: Web, wanted: str) -> None:
    async def there() -> bool:
        return (await web("GET", f"{API_SERVICES}/{NAME}")).status == 200

    await until(there, "the APIService")
    await reason(web, wanted)


async def test_that_of_a_definition_is_made_right_again(web: Web) -> None:
    await establish(web, definition())
    await reason_of(web, "Local")
    patch = b'{"spec":{"versionPriority":7}}'
    await web.ok("PATCH", f"{API_SERVICES}/{NAME}", patch, type="application/merge-patch+json")

    async def right() -> bool:
        return bool((await web.ok("GET", f"{API_SERVICES}/{NAME}"))["spec"]["versionPriority"] == 100)

    await until(right, "the priority to be back")


async def test_a_restart_makes_those_of_built_in_groups_right(
    config: Callable[..., APIServerConfig], tmp_path: Any
) -> None:
    from pynetes.apis.names import API_SERVICES as RESOURCE

    settings = config(storage=f"sqlite://{tmp_path / 'state.db'}")
    async with APIServer(settings) as server:
        await server.ready()
        client = server.client()
        await client.patch(RESOURCE, "v1.apps", {"spec": {"versionPriority": 3}})
        await client.create(RESOURCE, api_service("gone.k8s.io", "v1", (1000, 1), ON_START))
    async with APIServer(settings) as server:
        await server.ready()
        client = server.client()
        assert (await client.get(RESOURCE, "v1.apps"))["spec"]["versionPriority"] == 15
        names = [item["metadata"]["name"] for item in (await client.list(RESOURCE))["items"]]
        assert "v1.gone.k8s.io" not in names


async def test_what_extensions_trust_is_published(web: Web) -> None:
    path = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"
    data = (await web.ok("GET", path))["data"]
    assert data["requestheader-client-ca-file"].startswith("-----BEGIN CERTIFICATE-----")
    assert data["requestheader-allowed-names"] == '["front-proxy-client"]'
    assert data["requestheader-username-headers"] == '["X-Remote-User"]'
    assert "requestheader-uid-headers" not in data
    assert data["requestheader-group-headers"] == '["X-Remote-Group"]'
    assert data["requestheader-extra-headers-prefix"] == '["X-Remote-Extra-"]'
