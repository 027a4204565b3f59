"""Startup, readiness and liveness probes: a worker for each probe of each container.

`manager` owns the workers and the latest results, `worker` is one probe's loop, `verdict` its pure thresholds, `prober`
runs a probe; `exec`, `http`, `tcp`, `grpc` are the ways to ask. A new way is a file and a line in `prober`.
"""
