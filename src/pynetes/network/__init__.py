"""The pod network and the cluster's DNS.

`cni` says how the runtime connects pods (bridge, host-local and portmap plugins on the node's pod CIDR), `masquerade`
how they reach the world outside, `routes` which way pods of other nodes are reached (`tunnel` carries it out), and
`forwarding` makes pods an exception where a firewall forwards nothing. `pod_network` keeps all that in force on a node.
`dns/` answers names of services and pods and forwards the rest. `agent` runs them. Reaches the cluster through `client`
alone.
"""
