"""The provider for clusters without a cloud: addresses for LoadBalancer Services from pools, announced by the nodes.

`config` reads the pools, `allocation` decides on addresses and `balancers` carries it out in the cloud controller
manager. On every node runs `announcer`: `placement` says which node an address belongs to, `arp` makes it known on the
link. What arrives at the node is the proxy's business. Must not import a controller.
"""

from pynetes.cloud.providers.local.localprovider import provider

__all__ = ["provider"]
