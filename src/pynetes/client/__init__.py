"""How every component reaches the cluster: REST client, informers, work queues, leader election, events, kubeconfig.

The layers, lowest first: `transport` (bytes to and from an API server), `rest` (verbs on resources), `watch` (frames to
events), `reflector` (list and watch that survive faults), `informer` (cache, indexes and handlers on a reflector),
`workqueue` and `controller` (keys to `sync(key)` calls). Beside them `discovery`, `events`, `leaderelection` and
`kubeconfig`. A new way to reach a server is a class with `Transport`'s three methods.

Must not import: the store, the API server, any component.
"""
