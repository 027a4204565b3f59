"""Cluster IPs and node ports with several API servers on one store: each is had once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import IP_ADDRESSES, SERVICES
from pynetes.apiserver.registry.services import claims
from pynetes.apiserver.registry.services.claims import ADDRESSES, PORTS, Claims, Holdings, holdings
from pynetes.apiserver.server import APIServer
from pynetes.client.rest import Client
from pynetes.component import clock, pki
from pynetes.storage import Store
from pynetes.storage.memory import MemoryStore
from pynetes.testing import apiserver

Object = dict[str, Any]


def service(name: str, **spec: Any) -> Object:
    made = {"ports": [{"port": 80}], **spec}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": made,
    }


@pytest.fixture
def store() -> Store:
    return MemoryStore()


@pytest.fixture
async def clients(store: Store, tmp_path: Path) -> AsyncIterator[list[Client]]:
    """Of three servers that started at once; their ranges are small, so that they meet."""
    keys = pki.ensure(tmp_path)
    config = apiserver.config(keys, service_cluster_ip_range="10.96.0.0/26", service_node_port_range=(30000, 30049))
    async with AsyncExitStack() as stack:
        made = await asyncio.gather(*(stack.enter_async_context(APIServer(config, store=store)) for _ in range(3)))
        await asyncio.gather(*(each.ready() for each in made))
        yield [each.client() for each in made]


async def test_servers_that_take_at_once_take_different_ones(clients: list[Client]) -> None:
    names = [f"s{number}" for number in range(45)]
    made = await asyncio.gather(
        *(clients[number % 3].create(SERVICES, service(name, type="NodePort")) for number, name in enumerate(names))
    )
    assert len({each["spec"]["clusterIP"] for each in made}) == 45
    assert len({each["spec"]["ports"][0]["nodePort"] for each in made}) == 45
    objects = (await clients[0].list(IP_ADDRESSES))["items"]
    parents = {each["metadata"]["name"]: each["spec"]["parentRef"]["name"] for each in objects}
    assert parents == {each["spec"]["clusterIP"]: each["metadata"]["name"] for each in made} | {
        "10.96.0.1": "kubernetes"
    }
    await asyncio.gather(*(clients[(n + 1) % 3].delete(SERVICES, name, "default") for n, name in enumerate(names)))
    assert [each["metadata"]["name"] for each in (await clients[1].list(IP_ADDRESSES))["items"]] == ["10.96.0.1"]
    # What another server gave back can be had again, down to the last one.
    again = await asyncio.gather(
        *(clients[0].create(SERVICES, service(f"{name}-2", type="NodePort")) for name in names)
    )
    assert len({each["spec"]["clusterIP"] for each in again}) == 45
    for number in range(5):
        await clients[2].create(SERVICES, service(f"last{number}", type="NodePort"))
    with pytest.raises(StatusError, match="range is full"):
        await clients[1].create(SERVICES, service("one-too-many", type="NodePort"))


async def test_of_those_who_want_the_same_one_gets_it(clients: list[Client]) -> None:
    wanted = {"type": "NodePort", "clusterIP": "10.96.0.9", "ports": [{"port": 80, "nodePort": 30009}]}
    answers = await asyncio.gather(
        *(client.create(SERVICES, service(f"s{n}", **wanted)) for n, client in enumerate(clients)),
        return_exceptions=True,
    )
    assert Counter(type(answer) for answer in answers) == {dict: 1, StatusError: 2}
    for answer in answers:
        if isinstance(answer, StatusError):
            assert answer.code == 422
            assert "already allocated" in answer.message
    (winner,) = (answer["metadata"]["name"] for answer in answers if isinstance(answer, dict))
    await clients[0].delete(SERVICES, winner, "default")
    for number, client in enumerate(clients):  # on whichever server
        await client.create(SERVICES, service(f"t{number}", **wanted))
        await clients[number - 1].delete(SERVICES, f"t{number}", "default")


async def test_the_same_name_at_once_keeps_one_claim(clients: list[Client]) -> None:
    answers = await asyncio.gather(
        *(client.create(SERVICES, service("same", type="NodePort")) for client in clients), return_exceptions=True
    )
    (made,) = (answer for answer in answers if isinstance(answer, dict))
    objects = (await clients[0].list(IP_ADDRESSES))["items"]
    assert {each["metadata"]["name"] for each in objects} == {"10.96.0.1", made["spec"]["clusterIP"]}


async def test_changes_take_and_give_back(clients: list[Client], store: Store) -> None:
    await clients[0].create(SERVICES, service("one"))
    made = await clients[1].patch(SERVICES, "one", {"spec": {"type": "NodePort"}}, "default")
    port = made["spec"]["ports"][0]["nodePort"]
    assert (await store.get(f"{PORTS}{port}"))[0] is not None
    await clients[2].patch(SERVICES, "one", {"spec": {"type": "ClusterIP"}}, "default")
    assert (await store.get(f"{PORTS}{port}"))[0] is None
    await clients[0].patch(SERVICES, "one", {"spec": {"type": "ExternalName", "externalName": "x.y"}}, "default")
    assert (await store.get(ADDRESSES + made["spec"]["clusterIP"]))[0] is None


@pytest.fixture
def later() -> Any:
    yield lambda seconds: clock.set_wall_clock(lambda: (datetime.now(UTC) + timedelta(seconds=seconds)).timestamp())
    clock.set_wall_clock(None)


async def test_what_a_server_left_behind_is_mended(store: Store, later: Any) -> None:
    known, dead = service("known", type="NodePort", clusterIPs=["10.96.0.2"]), service("dead")
    known["spec"]["ports"][0]["nodePort"] = 30001
    held = Claims(store)
    await held.take(dead, Holdings({"10.96.0.3"}, {30003}))

    async def services() -> list[Object]:
        return [known]

    await held.repair(services)
    assert await held.held() == Holdings({"10.96.0.2", "10.96.0.3"}, {30001, 30003})  # one may be under way
    later(claims.GRACE_SECONDS + 1)
    await held.repair(services)
    assert await held.held() == holdings(known["spec"])
    assert await held.take(dead, Holdings({"10.96.0.2", "10.96.0.3"}, set())) == Holdings({"10.96.0.2"}, set())
    await held.release(dead, Holdings({"10.96.0.2", "10.96.0.3"}, set()))  # not the other's
    assert await held.held() == holdings(known["spec"])
