"""The leases of API servers."""

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pynetes.apimachinery.times import format_micro_time
from pynetes.apis.names import LEASES
from pynetes.apiserver.bootstrap import hooks, identity
from pynetes.apiserver.server import APIServer
from pynetes.component import clock
from pynetes.component.tasks import Tasks
from tests.apiserver.endpoints.conftest import server

__all__ = ["server"]

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("spec", "expired"),
    [
        ({"renewTime": "2025-12-31T23:00:01.000000Z", "leaseDurationSeconds": 3600}, False),
        ({"renewTime": "2025-12-31T22:59:59.000000Z", "leaseDurationSeconds": 3600}, True),
        ({"renewTime": "2026-01-01T00:00:00.000000Z"}, True),
        ({"leaseDurationSeconds": 3600}, True),
        ({}, True),
    ],
)
def test_leases_that_are_not_renewed_expire(spec: dict[str, Any], expired: bool) -> None:
    assert identity.is_expired({"spec": spec}, NOW) is expired


def lease(name: str, labels: dict[str, str], age: float) -> dict[str, Any]:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": "kube-system", "labels": labels},
        "spec": {
            "holderIdentity": name,
            "leaseDurationSeconds": 3600,
            "renewTime": format_micro_time(clock.now() - timedelta(seconds=age)),
        },
    }


@pytest.mark.parametrize("server", ["memory"], indirect=True)
async def test_a_server_has_a_lease_and_collects_those_of_the_dead(
    server: APIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, ours = server.client(), {identity.LABEL: identity.COMPONENT}

    async def names() -> set[str]:
        return {each["metadata"]["name"] for each in (await client.list(LEASES, "kube-system"))["items"]}

    async with asyncio.timeout(60):
        while identity.server_id() not in await names():
            await clock.sleep(0.01)
    own = await client.get(LEASES, identity.server_id(), "kube-system")
    assert own["metadata"]["labels"] == {**ours, "kubernetes.io/hostname": socket.gethostname()}
    assert own["spec"]["holderIdentity"].startswith(f"{identity.server_id()}_")
    for name, labels, age in (("dead", ours, 7200.0), ("living", ours, 60.0), ("other", {"a": "b"}, 7200.0)):
        await client.create(LEASES, lease(name, labels, age))
    async with Tasks("test") as tasks, asyncio.timeout(60):
        tasks.start(identity.collect(client), name="collect")
        while "dead" in await names():
            await clock.sleep(0.01)
    assert await names() == {identity.server_id(), "living", "other"}
    monkeypatch.setattr(hooks, "_WITHDRAW_SECONDS", 60.0)
    assert await server._hooks.withdraw() in (True, False)  # type: ignore[union-attr]
    assert await names() == {"living", "other"}
