"""The API server: HTTPS in, objects in the store, and every rule between the two.

A request passes `edge` (sockets, TLS, HTTP) → `filters` (request info, authentication, impersonation, authorization,
limits) → `endpoints` (verbs on resources, discovery, health) → `admission` → `registry` (one generic registry for all
kinds, plus the few that need more) → `cacher` → `pynetes.storage`. `http` holds the types that all of them share,
`server` puts them together (`security`: who asks and what they may; `installing`: what the router serves), `local`
serves a client in the same process without sockets.

To add a subresource or a special kind: a module in `registry` and one line in its table. To add an admission plugin: a
module in `admission` and one line in `admission.chain`. Must not import controllers, scheduler, kubelet or proxy.
"""
