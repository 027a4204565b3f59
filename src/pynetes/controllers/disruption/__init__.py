"""disruption-controller: keeps PodDisruptionBudgets' statuses, by which evictions are let through.

`budget` decides (pure), `scale` finds how many pods their controllers want, `controller` follows and writes, `stale`
takes back the announcement of a disruption that did not come.
"""
