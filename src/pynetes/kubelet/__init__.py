"""The node agent: makes a node's pods run as the API says, through a container runtime.

`kubelet` starts and ends it, `parts` puts it together (`standalone`: what a node without an API server has instead),
`runtime_connection` is its way to the runtime; `pod_workers` runs one task a pod; `runtime` decides (pure) and drives
containers through `cri`; `pleg` notices what happened; `probes`, `status`, `volumes`, `images`, `server` (which
`serving` starts), `eviction` are its organs, one package each. Adding a volume plugin, a probe or a node condition is a
file in that package and a line in its table.
Imports `client`, `apis`, `apimachinery`, `component`; never another component of the cluster.
"""
