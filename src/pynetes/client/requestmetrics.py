"""What `/metrics` tells of requests to API servers, under client-go's names."""

from pynetes.component import metrics

_REQUESTS = metrics.counter(
    "rest_client_requests_total", "HTTP requests by status code, method and host", ["code", "method", "host"]
)
_SECONDS = metrics.histogram(
    "rest_client_request_duration_seconds",
    "Seconds from a request to the head of its answer",
    ["verb", "host"],
    buckets=(0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0),
)
NO_ANSWER = "<error>"


def observe(method: str, host: str, code: int | None, seconds: float) -> None:
    """`code` None: the connection failed."""
    _REQUESTS.labels(NO_ANSWER if code is None else str(code), method, host).inc()
    _SECONDS.labels(method, host).observe(seconds)
