"""ServiceCIDRs become ready, and stay as long as Services need them."""

from typing import Any

import pytest
from controller_cluster import Cluster

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import SERVICE_CIDRS, SERVICES
from pynetes.controllers.servicecidr import FINALIZER, is_needed

Object = dict[str, Any]


def cidr(name: str, *cidrs: str) -> Object:
    return {"metadata": {"name": name}, "spec": {"cidrs": list(cidrs)}}


def address(name: str, by: str = "ipallocator.k8s.io") -> Object:
    return {"metadata": {"name": name, "labels": {"ipaddress.kubernetes.io/managed-by": by}}}


@pytest.mark.parametrize(
    ("others", "addresses", "needed"),
    [
        ([], [], False),
        ([], [address("10.0.0.5")], True),
        ([], [address("10.0.0.5", by="somebody")], False),
        ([], [address("10.0.0.0"), address("10.0.0.255"), address("10.0.1.1"), address("fd00::1")], False),
        ([cidr("wider", "10.0.0.0/16")], [address("10.0.0.5")], False),
        ([cidr("narrower", "10.0.0.0/28")], [address("10.0.0.5")], False),
        ([cidr("narrower", "10.0.0.0/28")], [address("10.0.0.5"), address("10.0.0.50")], True),
        ([cidr("other", "fd00::/112")], [address("10.0.0.5")], True),
    ],
)
def test_what_keeps_one(others: list[Object], addresses: list[Object], needed: bool) -> None:
    going = cidr("going", "10.0.0.0/24")
    assert is_needed(going, [going, *others], addresses) is needed


async def test_services_take_from_a_further_one_which_stays_while_they_do(cluster: Cluster) -> None:
    client = cluster.client
    await client.create(SERVICE_CIDRS, cidr("further", "172.30.0.0/28"))

    async def ready(wanted: str) -> bool:
        found = await client.get(SERVICE_CIDRS, "further")
        condition = meta.get_condition((found.get("status") or {}).get("conditions"), "Ready") or {}
        return condition.get("status") == wanted and FINALIZER in meta.finalizers(found)

    service = {"metadata": {"name": "far"}, "spec": {"clusterIP": "172.30.0.9", "ports": [{"port": 80}]}}

    async def made() -> bool:
        try:
            return bool(await client.create(SERVICES, service, "default"))
        except StatusError as error:
            if "the provided network does not match the current range" not in error.message:
                raise
            return False

    await cluster.eventually(made)
    await cluster.eventually(lambda: ready("True"))
    await client.delete(SERVICE_CIDRS, "further")
    await cluster.eventually(lambda: ready("False"))
    with pytest.raises(StatusError, match="does not match the current range"):
        await client.create(SERVICES, {**service, "metadata": {"name": "too-late"}}, "default")
