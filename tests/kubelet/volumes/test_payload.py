"""Objects as files."""

import base64
from typing import Any

import pytest

from pynetes.kubelet.volumes import payload
from pynetes.kubelet.volumes.plugin import VolumeError
from pynetes.kubelet.volumes.writer import File

CONFIG_MAP = {"data": {"a": "1", "b": "2"}, "binaryData": {"c": base64.b64encode(b"\xff").decode()}}


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (None, {"a": File(b"1", 0o644), "b": File(b"2", 0o644), "c": File(b"\xff", 0o644)}),
        ([{"key": "a", "path": "x/y"}], {"x/y": File(b"1", 0o644)}),
        ([{"key": "c", "path": "z", "mode": 0o400}], {"z": File(b"\xff", 0o400)}),
    ],
)
def test_config_map(items: Any, expected: dict[str, File]) -> None:
    assert payload.config_map(CONFIG_MAP, items, 0o644, optional=False) == expected


def test_missing_keys_fail_unless_optional() -> None:
    items = [{"key": "x", "path": "x"}]
    with pytest.raises(VolumeError, match="configmap references non-existent config key: x"):
        payload.config_map(CONFIG_MAP, items, 0o644, optional=False)
    with pytest.raises(VolumeError, match="references non-existent secret key: x"):
        payload.secret({}, items, 0o644, optional=False)
    assert payload.config_map(CONFIG_MAP, items, 0o644, optional=True) == {}
    assert payload.secret(None, items, 0o644, optional=True) == {}


def test_downward_api() -> None:
    pod = {
        "metadata": {"name": "p", "namespace": "ns", "labels": {"b": "2", "a": "1"}},
        "spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": "1500m"}}}]},
    }
    items = [
        {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
        {"path": "cpu", "mode": 0o400, "resourceFieldRef": {"containerName": "c", "resource": "limits.cpu"}},
    ]
    assert payload.downward_api(pod, items, 0o644, None) == {
        "labels": File(b'a="1"\nb="2"', 0o644),
        "cpu": File(b"2", 0o400),
    }
    with pytest.raises(VolumeError, match="unsupported fieldPath"):
        payload.downward_api(pod, [{"path": "x", "fieldRef": {"fieldPath": "spec.x"}}], 0o644, None)
