"""The pod network and the cluster's DNS.

`cni` says how the runtime connects pods (bridge, host-local and portmap plugins on the node's pod CIDR), `masquerade`
how they reach the world outside, `pod_network` keeps both in force on a node. `dns/` answers names of services and
pods and forwards the rest. `agent` runs them. Reaches the cluster through `client` alone.
"""
