"""The cluster's DNS: names of services and pods (specification 1.1.0), and the rest forwarded.

`zone` answers a question from Services and EndpointSlices (pure); `records` is that view of the cluster, held by
informers; `forward` asks the machine's resolvers; `server` speaks UDP and TCP; `publish` makes the server an endpoint
of the Service `kube-dns`. A new kind of name is a case in `zone.Zone.lookup`.
"""
