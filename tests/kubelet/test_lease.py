"""The node's lease."""

import asyncio
from typing import Any

from pynetes.apimachinery.errors import service_unavailable
from pynetes.component.tasks import Tasks
from pynetes.kubelet.lease import NodeLease

LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1"
NODE = {"metadata": {"name": "n1", "uid": "node-uid"}}


async def test_made_once_then_renewed(api: Any) -> None:
    lease = NodeLease(api.client, "n1", duration=40, node=lambda: NODE)
    await lease.renew()
    made = api.objects[LEASE]
    assert made["spec"]["holderIdentity"] == "n1"
    assert made["spec"]["leaseDurationSeconds"] == 40
    assert made["metadata"]["ownerReferences"] == [
        {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "node-uid"}
    ]
    await lease.renew()
    renewed = api.objects[LEASE]
    assert renewed["spec"]["renewTime"] > made["spec"]["renewTime"]
    assert [method for method, _, _ in api.requests] == ["GET", "POST", "PUT"]


async def test_a_lease_of_an_earlier_process_is_taken_over(api: Any) -> None:
    await NodeLease(api.client, "n1", node=lambda: None).renew()
    assert "ownerReferences" not in api.objects[LEASE]["metadata"]
    await NodeLease(api.client, "n1", node=lambda: NODE).renew()
    assert api.objects[LEASE]["metadata"]["ownerReferences"][0]["uid"] == "node-uid"


async def test_it_recovers_from_conflicts_and_outages(api: Any) -> None:
    lease = NodeLease(api.client, "n1", duration=0, node=lambda: NODE)
    async with Tasks("test") as tasks, asyncio.timeout(60):
        tasks.start(lease.run(), name="lease")
        await api.until(lambda: LEASE in api.objects)
        api.put(LEASE, api.objects[LEASE])  # somebody else wrote it
        api.refuse = service_unavailable("restarting")
        asked = len(api.requests)
        await api.until(lambda: len(api.requests) > asked)
        api.refuse = None
        before = api.objects[LEASE]["spec"]["renewTime"]
        await api.until(lambda: api.objects[LEASE]["spec"]["renewTime"] != before)
