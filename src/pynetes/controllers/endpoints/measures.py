"""The EndpointSlice controller's metrics, under upstream's names (which for counters lack the usual `_total`)."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.metrics_core import Metric, UnknownMetricFamily

from pynetes.component import metrics

#: Syncs by result: success, stale or error.
SYNCS: Counter[str] = Counter()
#: Slices written by operation: create, update or delete.
CHANGES: Counter[str] = Counter()


def _families() -> Iterator[Metric]:
    for name, text, label, counts in (
        ("syncs", "Syncs by result", "result", SYNCS),
        ("changes", "EndpointSlices written", "operation", CHANGES),
    ):
        family = UnknownMetricFamily(f"endpoint_slice_controller_{name}", text, labels=[label])
        for value, count in sorted(counts.items()):
            family.add_metric([value], count)
        yield family


metrics.collector(_families)
