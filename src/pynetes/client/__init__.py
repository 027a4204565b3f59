"""How every component reaches the cluster: REST client, informers, work queues, leader election, events, kubeconfig.

The layers, lowest first: `transport` (bytes to and from an API server), `rest` (verbs on resources), `watch` (frames to
events), `reflector` (list and watch that survive faults), `informer` (cache, indexes and handlers on a reflector),
`workqueue` (with `ratelimiter`) and `controller` (keys to `sync(key)` calls). Beside them `discovery`, `events`,
`leaderelection`, `lease` and `kubeconfig`. A new way to reach a server is a class with `Transport`'s three methods.

`https` is the one over TLS: `servers`, `serverlist` and `changeover` say which of several API servers it uses. What
both managers share: `basecontroller` (a controller's shape), `controllercontext`, `manager` (running them),
`managerconfig`. `secureserving` is a component's own port: `authentication` and `authorization` ask the API server
about its callers.

Must not import: the store, the API server, any component.
"""
