"""A pool of addresses for load balancers: refused when it is none, and what it brings along."""

from pathlib import Path

import pytest

from pynetes.apimachinery.errors import StatusError
from pynetes.apiserver.server import APIServer
from pynetes.cli import cloud, processes
from pynetes.cli.layout import Layout
from pynetes.cli.settings import Settings, SettingsError, choose
from pynetes.client.rest import Client
from pynetes.cloud import customresources
from pynetes.cloud.providers.local.addresspool import ADDRESS_POOLS, definition
from pynetes.component import pki
from pynetes.testing import apiserver


@pytest.mark.parametrize("pool", ["everything", "10.0.0.9-10.0.0.1", "10.0.0.1/24", "10.0.0.0/30,10.0.0.1-10.0.0.2"])
def test_a_pool_that_is_none_is_refused(tmp_path: Path, pool: str) -> None:
    layout = Layout(tmp_path / "data", tmp_path / "run")
    with pytest.raises(SettingsError, match="--load-balancer-pool"):
        choose(layout, {"node_name": "n1", "node_ip": "192.0.2.1", "load_balancer_pool": pool})


@pytest.mark.parametrize(
    ("role", "wanted"),
    [
        ("all", {"cloud-controller-manager", "announcer"}),
        ("server", {"cloud-controller-manager"}),
        ("agent", {"announcer"}),
    ],
)
def test_processes_for_load_balancers_run_only_with_a_pool(tmp_path: Path, role: str, wanted: set[str]) -> None:
    layout = Layout(tmp_path / "data", tmp_path / "run")
    plain = {process.name for process in processes.processes(layout, Settings("n1", "192.0.2.1", role=role))}
    settings = Settings("n1", "192.0.2.1", role=role, load_balancer_pool="192.0.2.100/30")
    assert {process.name for process in processes.processes(layout, settings)} - plain == wanted


def test_the_managers_rights_go_to_its_own_user() -> None:
    (_, role), (_, binding), (_, reader), (_, readers) = cloud.rights()
    assert role["metadata"]["name"] == binding["roleRef"]["name"] == "system:cloud-controller-manager"
    assert [subject["name"] for subject in binding["subjects"]] == ["system:cloud-controller-manager"]
    assert not any("secrets" in rule["resources"] or "*" in rule["verbs"] for rule in role["rules"])
    assert [(rule["resources"], rule["verbs"]) for rule in reader["rules"]] == [
        (["addresspools"], ["get", "list", "watch"])
    ]
    assert [subject["name"] for subject in readers["subjects"]] == ["system:pynetes:network", "system:nodes"]


async def made(client: Client, pool: str) -> str:
    return await cloud.ensure_pool(client, Settings("n1", "192.0.2.1", load_balancer_pool=pool))


async def addresses(client: Client) -> list[str]:
    found: list[str] = (await client.get(ADDRESS_POOLS, "default"))["spec"]["addresses"]
    return found


async def test_the_default_pool_is_made_once_and_is_its_users_from_then_on(tmp_path: Path) -> None:
    keys = pki.ensure(tmp_path)
    config = apiserver.config(keys)
    async with APIServer(config) as server:
        await server.ready()
        client = server.client()
        for _ in range(2):  # as every start does
            await cloud.install_rights(client, Settings("n1", "192.0.2.1", load_balancer_pool="192.0.2.100/30"))
        assert await made(client, "192.0.2.100/30") == "the cloud controller manager has not brought AddressPools yet"
        await customresources.install(client, [definition()])
        for wanted in ("192.0.2.100/30", "192.0.2.100/30,192.0.2.7 - 192.0.2.9"):
            assert await made(client, wanted) == ""
            assert await addresses(client) == wanted.replace(" ", "").split(",")
        edit = {"spec": {"addresses": ["192.0.2.50"]}}
        await client.patch(ADDRESS_POOLS, "default", edit, field_manager="kubectl-edit")
        for wanted in ("192.0.2.100/30,192.0.2.7 - 192.0.2.9", "192.0.2.200/30"):
            assert await made(client, wanted) == ""
            assert await addresses(client) == ["192.0.2.50"]
        await client.delete(ADDRESS_POOLS, "default")
        assert await made(client, "192.0.2.200/30") == ""
        with pytest.raises(StatusError, match="not found"):
            await addresses(client)
        assert await made(client, "192.0.2.204/30") == ""
        assert await addresses(client) == ["192.0.2.204/30"]
