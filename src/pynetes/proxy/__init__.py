"""Services: what makes a ClusterIP, a NodePort or an external address reach ready pods (upstream's kube-proxy).

    informers ──► `services`, `endpoints` (pure: Service + EndpointSlices → ServicePorts)
              ──► `elements` (pure: ServicePort → elements of nftables maps and sets)
              ──► `ruleset`  (pure: difference of elements → one transaction's text, within the table of `frame`)
              ──► component's `nftables` (edge)        `conntrack` (edge: stale UDP flows)

`proxier` is the loop that joins them; `node` is what it knows of its own node. Named maps hold all services (see
`ruleset`), so that one endpoint's change is a few map elements, not a chain. `health` and `health_server` answer load
balancers and monitoring. To support another kind of address or policy: say in `endpoints` which endpoints it gets, and
in `elements` under which keys they stand. Reaches the cluster through `client` alone.
"""
