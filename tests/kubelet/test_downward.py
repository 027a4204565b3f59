"""Fields of pods as text."""

import pytest

from pynetes.kubelet.downward import FieldPathError, container_resource, format_map, pod_field


def test_maps_are_sorted_quoted_lines() -> None:
    values = {"b": 'say "hi"\n', "a": "tab\t", "c": "ünï", "d": "\x07\x00\\u0007"}
    assert format_map(values) == "\n".join(['a="tab\\t"', 'b="say \\"hi\\"\\n"', 'c="ünï"', 'd="\\a\\x00\\\\u0007"'])


POD = {
    "metadata": {
        "name": "p",
        "namespace": "ns",
        "labels": {"app": "x", "a[b]c": "odd"},
        "annotations": {"example.com/A": "v"},
    },
    "spec": {"containers": [{"name": "c"}], "initContainers": [{"name": "i"}]},
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.labels", 'a[b]c="odd"\napp="x"'),
        ("metadata.labels['app']", "x"),
        ("metadata.labels['none']", ""),
        ("metadata.annotations['example.com/A']", "v"),
        ("metadata.uid", ""),
    ],
)
def test_pod_field(path: str, value: str) -> None:
    assert pod_field(POD, path) == value


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("metadata.name['a']", "fieldPath \"metadata.name\\['a'\\]\" does not support subscript"),
        ("metadata.labels['']", "invalid key subscript in metadata.labels\\[''\\]"),
        ("spec.nodeName", "unsupported fieldPath: spec.nodeName"),
    ],
)
def test_unsupported_fields(path: str, message: str) -> None:
    with pytest.raises(FieldPathError, match=message):
        pod_field(POD, path)


def test_volumes_default_the_limits_of_init_containers_too() -> None:
    node = {"status": {"allocatable": {"cpu": "4"}}}
    selector = {"containerName": "i", "resource": "limits.cpu"}
    assert container_resource(POD, None, selector, node) == "0"
    assert container_resource(POD, None, selector, node, default_init_limits=True) == "4"


def test_unknown_resources_and_containers_are_named() -> None:
    with pytest.raises(FieldPathError, match=r"unsupported container resource : limits\.gpu"):
        container_resource(POD, POD["spec"]["containers"][0], {"resource": "limits.gpu"}, None)
    with pytest.raises(FieldPathError, match="container x not found"):
        container_resource(POD, None, {"containerName": "x", "resource": "limits.cpu"}, None)
