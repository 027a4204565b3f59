"""The node's heartbeat: a Lease in kube-node-lease, renewed every quarter of its duration."""

from collections.abc import Callable
from typing import Any

from pynetes.apimachinery import meta
from pynetes.client.lease import LeaseKeeper
from pynetes.client.rest import Client

NAMESPACE = "kube-node-lease"
_RENEW_FRACTION = 0.25


class NodeLease(LeaseKeeper):
    """`node` gives the Node object once it is known: its deletion takes the lease along."""

    def __init__(
        self, client: Client, node_name: str, *, duration: int = 40, node: Callable[[], dict[str, Any] | None]
    ) -> None:
        def own(lease: dict[str, Any]) -> None:
            found = node()
            if not lease["metadata"].get("ownerReferences") and found is not None and meta.uid(found):
                owner = {"apiVersion": "v1", "kind": "Node", "name": node_name, "uid": meta.uid(found)}
                lease["metadata"]["ownerReferences"] = [owner]

        period = duration * _RENEW_FRACTION
        super().__init__(client, node_name, NAMESPACE, holder=node_name, duration=duration, period=period, dress=own)
