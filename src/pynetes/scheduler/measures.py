"""The scheduler's metrics, under upstream's names. What queue and cache hold is counted when somebody asks."""

import weakref
from collections import Counter
from collections.abc import Iterator

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from pynetes.component import metrics
from pynetes.scheduler.cache import Cache
from pynetes.scheduler.queue import SchedulingQueue

_ATTEMPTS = metrics.counter("scheduler_schedule_attempts_total", "Decisions by result", ["result", "profile"])
_DECISION_SECONDS = metrics.histogram(
    "scheduler_scheduling_algorithm_duration_seconds",
    "Time of one decision",
    buckets=metrics.exponential(1e-5, 2, 20),
)
_ATTEMPT_SECONDS = metrics.histogram(
    "scheduler_scheduling_attempt_duration_seconds",
    "Decision and binding",
    ["result", "profile"],
    buckets=metrics.exponential(0.001, 2, 15),
)
_SLI_SECONDS = metrics.histogram(
    "scheduler_pod_scheduling_sli_duration_seconds",
    "From a pod's coming to its binding, over all attempts",
    ["attempts"],
    buckets=metrics.exponential(0.01, 2, 20),
)
_POD_ATTEMPTS = metrics.histogram(
    "scheduler_pod_scheduling_attempts", "Attempts until a pod was bound", buckets=metrics.exponential(1, 2, 5)
)
_PREEMPTIONS = metrics.counter("scheduler_preemption_attempts_total", "Searches for pods to evict")
_VICTIMS = metrics.histogram(
    "scheduler_preemption_victims", "Pods evicted for one pod", buckets=metrics.exponential(1, 2, 7)
)
_POINT_SECONDS = metrics.Durations(
    "scheduler_framework_extension_point_duration_seconds",
    "Time of all plugins of an extension point",
    ("extension_point", "status", "profile"),
    buckets=metrics.exponential(1e-4, 2, 12),
)
_BINDINGS = metrics.gauge("scheduler_goroutines", "Work under way beside the cycle, by operation", ["operation"])
_evaluations: Counter[tuple[str, str, str]] = Counter()

_published: "weakref.WeakKeyDictionary[SchedulingQueue, Cache]" = weakref.WeakKeyDictionary()


def decided(seconds: float) -> None:
    _DECISION_SECONDS.observe(seconds)


def ran(point: str, profile: str, seconds: float, status: str = "Success") -> None:
    """An extension point, under its name upstream, and how it ended: Success, Unschedulable or Error."""
    _POINT_SECONDS.note((point, status, profile), seconds)


def evaluated(plugin: str, point: str, profile: str) -> None:
    """A plugin was asked about a pod, at Filter or Score."""
    _evaluations[plugin, point, profile] += 1


def binding(change: int) -> None:
    """A binding begins (1) or ends (-1)."""
    _BINDINGS.labels("binding").inc(change)


def attempted(result: str, profile: str, seconds: float) -> None:
    """`result`: scheduled, unschedulable or error."""
    _ATTEMPTS.labels(result, profile).inc()
    _ATTEMPT_SECONDS.labels(result, profile).observe(seconds)


def scheduled(attempts: int, seconds: float) -> None:
    """A pod was bound so long after it came."""
    _SLI_SECONDS.labels(str(attempts) if attempts < 16 else "16+").observe(seconds)
    _POD_ATTEMPTS.observe(attempts)


def preempted(victims: int | None) -> None:
    """A search for victims has ended; None: it found none."""
    _PREEMPTIONS.inc()
    if victims is not None:
        _VICTIMS.observe(victims)


def publish(queue: SchedulingQueue, cache: Cache) -> None:
    """Shows what these hold for as long as they live."""
    _published[queue] = cache


def _families() -> Iterator[Metric]:
    pending: Counter[str] = Counter(dict.fromkeys(("active", "backoff", "gated", "unschedulable"), 0))
    sizes: Counter[str] = Counter(dict.fromkeys(("assumed_pods", "nodes", "pods"), 0))
    rejected: Counter[tuple[str, str]] = Counter()
    for queue, cache in list(_published.items()):
        pending.update(queue.counts())
        sizes.update(cache.sizes())
        rejected.update(queue.rejections())
    for name, text, label, counts in (
        ("scheduler_pending_pods", "Waiting pods by queue", "queue", pending),
        ("scheduler_cache_size", "Nodes, pods and assumed pods in the cache", "type", sizes),
    ):
        family = GaugeMetricFamily(name, text, labels=[label])
        for value, count in sorted(counts.items()):
            family.add_metric([value], count)
        yield family
    reasons = GaugeMetricFamily(
        "scheduler_unschedulable_pods",
        "Unschedulable pods by each plugin that rejected them",
        labels=["plugin", "profile"],
    )
    for (plugin, profile), count in sorted(rejected.items()):
        reasons.add_metric([plugin, profile], count)
    yield reasons
    asked = CounterMetricFamily(
        "scheduler_plugin_evaluation",
        "How often each plugin was asked about a pod, by extension point",
        labels=["plugin", "extension_point", "profile"],
    )
    for key, count in sorted(_evaluations.items()):
        asked.add_metric(key, count)
    yield asked


metrics.collector(_families)
