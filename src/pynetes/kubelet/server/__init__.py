"""The kubelet's HTTPS server: logs, exec, attach, port-forward, pods, health, metrics and statistics.

`server` wires it; one module a concern: `authentication` and `authorization` of callers, `streams` with its `relay` of
upgraded connections, `container_logs`, `host_logs`, `pods`, `resources` (metrics and statistics). Adding an endpoint is
a handler and a line in its module's `routes`. Imports nothing of pod workers: what it needs of the kubelet is
`host.Host`.
"""
