"""The DNS servers behind the Service kube-dns: every node uses its own, since another's may be gone with its node.

A slice is its node's: it goes with it.
"""

from pathlib import Path

from pynetes.apis.names import ENDPOINT_SLICES, NODES, SERVICES
from pynetes.apiserver.server import APIServer
from pynetes.component import pki
from pynetes.network.dns.publish import Published, publish
from pynetes.proxy.endpoints import candidates, cluster_endpoints
from pynetes.proxy.node import ThisNode
from pynetes.testing import apiserver


async def test_every_node_is_sent_to_its_own_server_whose_slice_it_owns(tmp_path: Path) -> None:
    files = pki.ensure(tmp_path / "pki")
    config = apiserver.config(files)
    async with APIServer(config) as server:
        await server.ready()
        client = server.client()
        await publish(client, Published("10.96.0.10", "n1", "192.0.2.1", 10053))  # before its node is registered
        registered = await client.create(NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}})
        for number in (1, 2, 3):
            await publish(client, Published("10.96.0.10", f"n{number}", f"192.0.2.{number}", 10053))
        await publish(client, Published("10.96.0.10", "n3", "192.0.2.33", 10053))  # its address has changed
        assert (await client.get(SERVICES, "kube-dns", "kube-system"))["spec"]["clusterIP"] == "10.96.0.10"
        slices = (await client.list(ENDPOINT_SLICES, "kube-system"))["items"]
    owned = {each["metadata"]["name"]: each["metadata"].get("ownerReferences", []) for each in slices}
    assert [owner["uid"] for owner in owned["kube-dns-n1"]] == [registered["metadata"]["uid"]]
    assert owned["kube-dns-n2"] == []
    for name, address in (("n1", "192.0.2.1"), ("n3", "192.0.2.33")):
        node = ThisNode(name)
        chosen = cluster_endpoints(candidates(slices, "dns", "UDP", node), node)
        assert [endpoint.ip for endpoint in chosen] == [address]
    elsewhere = ThisNode("n9")  # its own server is not there yet
    assert len(cluster_endpoints(candidates(slices, "dns", "UDP", elsewhere), elsewhere)) == 3
