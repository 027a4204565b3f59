"""What the proxy counts, under kube-proxy's names."""

from pynetes.component import clock, metrics

_FAMILY = "IPv4"
_BUCKETS = tuple(0.001 * 2**n for n in range(15))
_BY_FAMILY = ("ip_family",)

_SYNC = metrics.histogram(
    "kubeproxy_sync_proxy_rules_duration_seconds", "SyncProxyRules latency in seconds", _BY_FAMILY, buckets=_BUCKETS
)
_FULL = metrics.histogram(
    "kubeproxy_sync_full_proxy_rules_duration_seconds",
    "SyncProxyRules latency in seconds for full resyncs",
    _BY_FAMILY,
    buckets=_BUCKETS,
)
_PARTIAL = metrics.histogram(
    "kubeproxy_sync_partial_proxy_rules_duration_seconds",
    "SyncProxyRules latency in seconds for partial resyncs",
    _BY_FAMILY,
    buckets=_BUCKETS,
)
_LAST_SYNC = metrics.gauge(
    "kubeproxy_sync_proxy_rules_last_timestamp_seconds",
    "The last time proxy rules were successfully synced",
    _BY_FAMILY,
)
_LAST_QUEUED = metrics.gauge(
    "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds",
    "The last time a sync of proxy rules was queued",
    _BY_FAMILY,
)
_FAILURES = metrics.counter(
    "kubeproxy_sync_proxy_rules_nftables_sync_failures_total", "Cumulative proxy nftables sync failures", _BY_FAMILY
)
_CHANGES = {
    "service": metrics.counter(
        "kubeproxy_sync_proxy_rules_service_changes_total", "Cumulative proxy rules Service changes"
    ),
    "endpoint": metrics.counter(
        "kubeproxy_sync_proxy_rules_endpoint_changes_total", "Cumulative proxy rules Endpoint changes"
    ),
}
_PENDING = {
    "service": metrics.gauge(
        "kubeproxy_sync_proxy_rules_service_changes_pending", "Pending proxy rules Service changes"
    ),
    "endpoint": metrics.gauge(
        "kubeproxy_sync_proxy_rules_endpoint_changes_pending", "Pending proxy rules Endpoint changes"
    ),
}
_NO_LOCAL = metrics.gauge(
    "kubeproxy_sync_proxy_rules_no_local_endpoints_total",
    "Number of services with a Local traffic policy and no endpoints",
    ("traffic_policy", "ip_family"),
)
_PROGRAMMING = metrics.histogram(
    "kubeproxy_network_programming_duration_seconds",
    "In Cluster Network Programming Latency in seconds",
    _BY_FAMILY,
    buckets=(0.25, 0.5, *range(1, 60), *range(60, 120, 5), *range(120, 301, 30)),
)
_CONNTRACK_SECONDS = metrics.histogram(
    "kubeproxy_conntrack_reconciler_sync_duration_seconds",
    "ReconcileConntrackFlowsLatency latency in seconds",
    _BY_FAMILY,
    buckets=_BUCKETS,
)
_CONNTRACK_DELETED = metrics.counter(
    "kubeproxy_conntrack_reconciler_deleted_entries_total",
    "Cumulative conntrack flows deleted by conntrack reconciler",
    _BY_FAMILY,
)
_HEALTHZ = metrics.counter("kubeproxy_proxy_healthz_total", "Cumulative proxy healthz HTTP status", ("code",))
_LIVEZ = metrics.counter("kubeproxy_proxy_livez_total", "Cumulative proxy livez HTTP status", ("code",))


def queued(kind: str) -> None:
    """A `service` or `endpoint` change arrived."""
    _LAST_QUEUED.labels(_FAMILY).set(clock.time_seconds())
    _CHANGES[kind].inc()
    _PENDING[kind].inc()


def synced(seconds: float, *, full: bool) -> None:
    for histogram in (_SYNC, _FULL if full else _PARTIAL):
        histogram.labels(_FAMILY).observe(seconds)
    _LAST_SYNC.labels(_FAMILY).set(clock.time_seconds())
    for gauge in _PENDING.values():
        gauge.set(0)


def programmed(changed: float) -> None:
    """What changed at that wall-clock time is in force."""
    _PROGRAMMING.labels(_FAMILY).observe(max(0.0, clock.time_seconds() - changed))


def failed() -> None:
    _FAILURES.labels(_FAMILY).inc()


def without_local_endpoints(*, internal: int, external: int) -> None:
    _NO_LOCAL.labels("internal", _FAMILY).set(internal)
    _NO_LOCAL.labels("external", _FAMILY).set(external)


def reconciled(seconds: float, deleted: int) -> None:
    _CONNTRACK_SECONDS.labels(_FAMILY).observe(seconds)
    _CONNTRACK_DELETED.labels(_FAMILY).inc(deleted)


def healthz_answered(code: str) -> None:
    _HEALTHZ.labels(code).inc()


def livez_answered(code: str) -> None:
    _LIVEZ.labels(code).inc()
