"""`/metrics/resource`, as metrics-server reads it."""

from pynetes.kubelet.server.resources import resource_metrics

AT = "2024-01-02T03:04:05Z"
USAGE = {
    "cpu": {"time": AT, "usageCoreNanoSeconds": 1_500_000_000},
    "memory": {"time": AT, "workingSetBytes": 2048},
}


def test_text_format() -> None:
    summary = {
        "node": USAGE,
        "pods": [
            {
                **USAGE,
                "podRef": {"name": "p", "namespace": "ns", "uid": "u"},
                "containers": [{**USAGE, "name": "c", "startTime": "2024-01-02T03:00:00Z"}],
            },
            {"podRef": {"name": "new", "namespace": "ns", "uid": "v"}, "containers": []},
        ],
    }
    lines = resource_metrics(summary).splitlines()
    samples = [line for line in lines if not line.startswith("#")]
    assert samples == [
        'container_cpu_usage_seconds_total{container="c",namespace="ns",pod="p"} 1.5 1704164645000',
        'container_memory_working_set_bytes{container="c",namespace="ns",pod="p"} 2048 1704164645000',
        'container_start_time_seconds{container="c",namespace="ns",pod="p"} 1704164400.0',
        "node_cpu_usage_seconds_total 1.5 1704164645000",
        "node_memory_working_set_bytes 2048 1704164645000",
        'pod_cpu_usage_seconds_total{namespace="ns",pod="p"} 1.5 1704164645000',
        'pod_memory_working_set_bytes{namespace="ns",pod="p"} 2048 1704164645000',
        "resource_scrape_error 0",
        "scrape_error 0",
    ]
    assert "# TYPE node_cpu_usage_seconds_total counter" in lines
    assert "# TYPE node_memory_working_set_bytes gauge" in lines


def test_a_failed_reading_is_told() -> None:
    assert "resource_scrape_error 1" in resource_metrics(None)
