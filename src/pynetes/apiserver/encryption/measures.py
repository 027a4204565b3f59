"""Metrics of encryption at rest, under upstream's names."""

from pynetes.apiserver.encryption.transformer import ENCRYPTED
from pynetes.component import metrics

FROM_STORAGE, TO_STORAGE = "from_storage", "to_storage"
_IDENTITY = "identity"
#: `k8s:enc:aescbc:v1:key:`
_PARTS = 5

_seconds = metrics.Durations(
    "apiserver_storage_transformation_duration_seconds",
    "Latencies in seconds of value transformation operations.",
    ("transformation_type", "transformer_prefix"),
    buckets=metrics.exponential(5e-6, 2, 25),
)
_operations = metrics.counter(
    "apiserver_storage_transformation_operations_total",
    "Total number of transformations. Successful transformation will have a status 'OK' and a varied status string "
    "when the transformation fails.",
    ("resource", "transformation_type", "transformer_prefix", "status"),
)


def prefix_of(value: bytes) -> str:
    """By which provider and key a stored value is encrypted."""
    if not value.startswith(ENCRYPTED):
        return _IDENTITY
    return b":".join([*value[:512].split(b":", _PARTS)[:_PARTS], b""]).decode("utf-8", "replace")


def transformed(resource: str, type: str, prefix: str, seconds: float) -> None:
    _seconds.note((type, prefix), seconds)
    _operations.labels(resource, type, prefix, "OK").inc()


def failed(resource: str, type: str, prefix: str) -> None:
    _operations.labels(resource, type, prefix, "Unknown").inc()
