import pytest
from controller_cluster import serving

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import NODES
from pynetes.client.transport import TransportError
from pynetes.client.watch import ADDED, DELETED, MODIFIED, WatchEvent
from pynetes.controllers.config import ControllerManagerConfig
from pynetes.controllers.context import ControllerContext
from pynetes.controllers.nodeipam import CIDRRangeFull, CIDRSet, NodeIPAMController


def test_blocks_come_in_order_and_are_not_reused_at_once():
    pool = CIDRSet("10.244.0.0/16", 24)
    assert [pool.allocate() for _ in range(3)] == ["10.244.0.0/24", "10.244.1.0/24", "10.244.2.0/24"]
    pool.release("10.244.1.0/24")
    assert pool.allocate() == "10.244.3.0/24"


def test_a_full_range_says_so_and_takes_back():
    pool = CIDRSet("10.0.0.0/23", 24)
    pool.allocate()
    pool.allocate()
    with pytest.raises(CIDRRangeFull, match="no remaining CIDRs"):
        pool.allocate()
    pool.release("10.0.0.0/24")
    assert pool.allocate() == "10.0.0.0/24"


def test_occupied_blocks_are_passed_over():
    pool = CIDRSet("10.0.0.0/16", 24)
    pool.occupy("10.0.0.0/23")
    pool.occupy("10.0.2.128/25")
    pool.occupy("192.168.0.0/16")
    pool.occupy("fd00::/64")
    assert pool.allocate() == "10.0.3.0/24"


def test_six_has_ranges_too():
    pool = CIDRSet("fd00::/56", 64)
    assert [pool.allocate(), pool.allocate()] == ["fd00::/64", "fd00:0:0:1::/64"]


@pytest.mark.parametrize("mask", [15, 33])
def test_a_mask_must_fit(mask):
    with pytest.raises(ValueError, match="does not fit"):
        CIDRSet("10.0.0.0/16", mask)


class Ranges:
    """The controller for two /24s, with a cache that follows only when it is told."""

    def __init__(self, client):
        self.client = client
        config = ControllerManagerConfig(cluster_cidr="10.0.0.0/23", service_cluster_ip_range="")
        self.controller = NodeIPAMController(ControllerContext.for_client(client, config))

    async def create(self, name):
        self.see(await self.client.create(NODES, {"metadata": {"name": name}}), ADDED)

    def see(self, node, type=MODIFIED):
        self.controller.nodes.apply(WatchEvent(type, node))

    async def follow(self, name):
        self.see(await self.client.get(NODES, name))

    async def held(self, name):
        return (await self.client.get(NODES, name))["spec"].get("podCIDRs")


async def test_a_node_is_given_its_range_once_however_late_the_cache_is(tmp_path, monkeypatch):
    async with serving(tmp_path) as (server, _):
        ranges = Ranges(server.client())
        sync, client = ranges.controller.sync, ranges.controller.client
        await ranges.create("a")
        await sync("a")
        version = (await ranges.client.get(NODES, "a"))["metadata"]["resourceVersion"]
        await sync("a")  # the cache has not followed: nothing is refused, and nothing changes
        assert (await ranges.client.get(NODES, "a"))["metadata"]["resourceVersion"] == version

        await ranges.create("b")
        patch = client.patch

        async def answer_is_lost(*args, **kwargs):
            await patch(*args, **kwargs)
            raise TransportError("cut")

        monkeypatch.setattr(client, "patch", answer_is_lost)
        with pytest.raises(TransportError):
            await sync("b")
        monkeypatch.undo()
        await ranges.create("c")
        with pytest.raises(CIDRRangeFull):
            await sync("c")  # b may hold the last range, and does
        await sync("b")
        for name in ("a", "b"):
            await ranges.follow(name)
        assert [await ranges.held(name) for name in ("a", "b")] == [["10.0.0.0/24"], ["10.0.1.0/24"]]

        ranges.see(await ranges.client.get(NODES, "a"), DELETED)
        await sync("c")
        assert await ranges.held("c") == ["10.0.0.0/24"]


async def test_a_range_is_free_again_when_its_node_is_gone_or_holds_another(tmp_path):
    async with serving(tmp_path) as (server, _):
        ranges = Ranges(server.client())
        sync = ranges.controller.sync
        await ranges.create("a")
        await ranges.client.delete(NODES, "a")
        with pytest.raises(StatusError, match="not found"):
            await sync("a")
        ranges.see(ranges.controller.nodes.get("a"), DELETED)
        await ranges.create("b")
        await ranges.client.patch(NODES, "b", {"spec": {"podCIDRs": ["10.0.0.0/24"]}})
        with pytest.raises(StatusError, match="no more than one CIDR"):
            await sync("b")
        await ranges.follow("b")
        await ranges.create("c")
        await sync("c")
        assert await ranges.held("c") == ["10.0.1.0/24"]
