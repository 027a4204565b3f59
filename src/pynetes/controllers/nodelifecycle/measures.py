"""The node lifecycle controller's metrics, under upstream's names."""

from pynetes.component import metrics

EVICTIONS = metrics.counter("node_collector_evictions_total", "Nodes whose pods were evicted", ["zone"])
ONE_SECONDS = metrics.histogram(
    "node_collector_update_node_health_duration_seconds",
    "Time of one look at one node",
    buckets=metrics.exponential(0.001, 4, 8),
)
ALL_SECONDS = metrics.histogram(
    "node_collector_update_all_nodes_health_duration_seconds",
    "Time of one look at all nodes",
    buckets=metrics.exponential(0.01, 4, 8),
)
_HEALTH = metrics.gauge("node_collector_zone_health", "Percentage of healthy nodes", ["zone"])
_SIZE = metrics.gauge("node_collector_zone_size", "Registered nodes", ["zone"])
_UNHEALTHY = metrics.gauge("node_collector_unhealthy_nodes_in_zone", "Nodes that are not ready", ["zone"])


def zones(by_zone: dict[str, list[str]]) -> None:
    """Zone → each node's Ready status, of all zones there are."""
    for gauge in (_HEALTH, _SIZE, _UNHEALTHY):
        gauge.clear()
    for zone, statuses in by_zone.items():
        healthy = statuses.count("True")
        _SIZE.labels(zone).set(len(statuses))
        _HEALTH.labels(zone).set(100 * healthy / len(statuses))
        _UNHEALTHY.labels(zone).set(len(statuses) - healthy)
