"""Measured at the original: where it refuses, and in which words."""

import pytest

from pynetes.apimachinery.errors import StatusError
from pynetes.apiserver.encoding import stored_bytes
from pynetes.apiserver.registry.size import check_size

CUSTOM = {"apiVersion": "x.io/v1", "kind": "Big", "metadata": {"name": "n00000000012"}}
KEY = "/registry/x.io/bigs/default/n00000000012"
TOO_LARGE = "etcdserver: request is too large"


@pytest.mark.parametrize(
    ("size", "refusal"),
    [
        (1_572_744, ""),
        (1_572_745, TOO_LARGE),
        (2_097_047, TOO_LARGE),
        (
            2_097_048,
            "rpc error: code = ResourceExhausted desc = trying to send message larger than max (2097153 vs. 2097152)",
        ),
    ],
)
def test_a_custom_resource_counts_as_it_is_written(size: int, refusal: str) -> None:
    if not refusal:
        return check_size(KEY, b"x" * size, CUSTOM)
    with pytest.raises(StatusError) as refused:
        check_size(KEY, b"x" * size, CUSTOM)
    status = refused.value.status()
    assert (status["code"], status["message"], "reason" in status) == (500, refusal, False)


@pytest.mark.parametrize(("text", "fits"), [('"' * 1_000_000, True), ("x" * 1_600_000, False)])
def test_a_built_in_kind_counts_as_protobuf(text: str, fits: bool) -> None:
    """Escapes of JSON that would take it over the limit are none there."""
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": text}}
    data = stored_bytes(obj)
    assert len(data) > 1_600_000
    try:
        check_size("/registry/core/configmaps/default/a", data, obj)
    except StatusError as refused:
        assert not fits
        assert str(refused) == TOO_LARGE
    else:
        assert fits
