"""The EndpointSlice controllers' metrics, under upstream's names (which for counters lack the usual `_total`)."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.metrics_core import Metric, UnknownMetricFamily

from pynetes.component import metrics

#: Syncs by result: success, stale or error.
SYNCS: Counter[str] = Counter()
#: Slices written by operation: create, update or delete; the mirroring controller's apart.
CHANGES: Counter[str] = Counter()
MIRRORED: Counter[str] = Counter()


def _families() -> Iterator[Metric]:
    for name, text, label, counts in (
        ("endpoint_slice_controller_syncs", "Syncs by result", "result", SYNCS),
        ("endpoint_slice_controller_changes", "EndpointSlices written", "operation", CHANGES),
        ("endpoint_slice_mirroring_controller_changes", "EndpointSlices written", "operation", MIRRORED),
    ):
        family = UnknownMetricFamily(name, text, labels=[label])
        for value, count in sorted(counts.items()):
            family.add_metric([value], count)
        yield family


metrics.collector(_families)
