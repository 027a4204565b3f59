"""Measured at the original: where it refuses, and in which words."""

from typing import Any

import pytest

from pynetes.apimachinery.errors import StatusError
from pynetes.apiserver.encoding import stored_bytes
from pynetes.apiserver.registry.size import check_size

CUSTOM = {"apiVersion": "x.io/v1", "kind": "Big", "metadata": {"name": "n00000000012"}}
KEY = "/registry/x.io/bigs/default/n00000000012"
TOO_LARGE = "500 None etcdserver: request is too large"
UNSENT = "500 None rpc error: code = ResourceExhausted desc ="


def refusal(key: str, data: bytes, obj: dict[str, Any]) -> str:
    """The message; "" if it fits."""
    try:
        check_size(key, data, obj)
    except StatusError as refused:
        status = refused.status()
        return f"{status['code']} {status.get('reason')} {status['message']}"
    return ""


@pytest.mark.parametrize(
    ("size", "refused"),
    [
        (1_572_744, ""),
        (1_572_745, TOO_LARGE),
        (2_097_047, TOO_LARGE),
        (2_097_048, f"{UNSENT} trying to send message larger than max (2097153 vs. 2097152)"),
    ],
)
def test_a_custom_resource_counts_as_it_is_written(size: int, refused: str) -> None:
    assert refusal(KEY, b"x" * size, CUSTOM) == refused


@pytest.mark.parametrize(("text", "refused"), [('"' * 1_000_000, ""), ("x" * 1_600_000, TOO_LARGE)])
def test_a_built_in_kind_counts_as_protobuf(text: str, refused: str) -> None:
    """Escapes of JSON that would take it over the limit are none there."""
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": text}}
    data = stored_bytes(obj)
    assert len(data) > 1_600_000
    assert refusal("/registry/core/configmaps/default/a", data, obj) == refused
