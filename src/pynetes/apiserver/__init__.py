"""The API server: HTTPS in, objects in the store, and every rule between the two.

A request passes `edge` (sockets, TLS, HTTP) → `filters` (request info, authentication, impersonation, authorization,
limits) → `endpoints` (verbs on resources, discovery, health) → `admission` → `registry` (one generic registry for all
kinds, plus the few that need more) → `cacher` → `pynetes.storage`. `http` holds the types that all of them share,
`server` puts them together (`security`: who asks and what they may; `installing`: what the router serves;
`healthchecks`: what makes it healthy and ready), `local` serves a client in the same process without sockets.

Who asks is `authentication`'s business, what they may `authorization`'s; `tokens` are those of service accounts,
`flowcontrol` lets nobody crowd others out, `audit` notes what came of it, `webhooks` ask others. `customresources` and
`aggregation` serve more than the built-in kinds, `bootstrap` puts in what every cluster has, `encryption` is a store
over the store, `openapi` writes the documents, `streaming` leads to kubelets.

To add a setting: a field in `config` with what it must be in `validation`, and its flag in `cli`. For all else see the
package that it belongs to: `endpoints.subresources`, `registry` (kinds that need more than the generic writes),
`admission`, `filters`. Must not import controllers, scheduler, kubelet or proxy.
"""
