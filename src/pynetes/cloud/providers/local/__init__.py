"""The provider for clusters without a cloud: addresses for LoadBalancer Services from pools, announced by the nodes.

Pools are resources of the provider's own: `addresspools.yaml` defines AddressPools, `addresspool` reads them,
`addresses` is arithmetic on their ranges. In the cloud controller manager, `poolcontroller` brings them in force as
`poolstatus` decides, `allocation` decides which address a Service gets, and `balancers` carries it out.

On every node runs `announcer`: `placement` says which node an address belongs to, `arp` makes it known on the link.
What arrives at the node is the proxy's business.
"""

from pynetes.cloud.providers.local.localprovider import provider

__all__ = ["provider"]
