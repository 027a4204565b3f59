"""Objects as protobuf: the bytes that the original sends, and nothing lost on the way back."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.protobuf import encoder
from pynetes.apimachinery.protobuf.decoder import MAGIC, decode
from tests.apimachinery.protobuf.test_decoder import envelope, field

META = "k8s.io.apimachinery.pkg.apis.meta.v1."


def there_and_back(obj: dict[str, Any]) -> dict[str, Any]:
    return decode(encoder.encode(obj), GroupVersionKind("", "v1", "Unheard"))


def test_values_are_written_even_when_empty_and_pointers_are_not() -> None:
    """A Go value is always on the wire: the empty fields of ObjectMeta are, its deletionTimestamp is not."""
    empty = b"".join(field(number, "") for number in (1, 2, 3, 4, 5, 6)) + field(7, 0) + field(8, b"")
    made = encoder.encode({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}})
    assert made == envelope("v1", "ConfigMap", field(1, empty))
    metadata = {"name": "n", "deletionGracePeriodSeconds": 0}
    made = encoder.encode({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "immutable": False})
    assert made == envelope("v1", "ConfigMap", field(1, field(1, "n") + empty[2:] + field(10, 0)) + field(4, 0))


def test_map_entries_are_sorted() -> None:
    message = encoder.encode_message("k8s.io.api.core.v1.ConfigMap", {"data": {"b": "2", "a": ""}})
    entries = field(2, field(1, "a") + field(2, "")) + field(2, field(1, "b") + field(2, "2"))
    assert message.endswith(entries)


@pytest.mark.parametrize(
    ("message", "value", "expected"),
    [
        (META + "Time", "2024-01-02T03:04:05Z", field(1, 1704164645) + field(2, 0)),
        (META + "Time", "1969-12-31T23:59:59Z", field(1, -1) + field(2, 0)),
        (META + "MicroTime", "2024-01-02T03:04:05.000006Z", field(1, 1704164645) + field(2, 6000)),
        (META + "Duration", "1m30s", field(1, 90_000_000_000)),
        (META + "FieldsV1", {"f:a": {}}, field(1, '{"f:a":{}}')),
        (META + "Verbs", ["get", "list"], field(1, "get") + field(1, "list")),
        ("k8s.io.apimachinery.pkg.api.resource.Quantity", "100m", field(1, "100m")),
        ("k8s.io.apimachinery.pkg.api.resource.Quantity", 2, field(1, "2")),
        ("k8s.io.apimachinery.pkg.util.intstr.IntOrString", "web", field(1, 1) + field(2, 0) + field(3, "web")),
        ("k8s.io.apimachinery.pkg.util.intstr.IntOrString", 8080, field(1, 0) + field(2, 8080) + field(3, "")),
        ("k8s.io.apimachinery.pkg.runtime.RawExtension", {"a": 1}, field(1, '{"a":1}')),
        ("k8s.io.apimachinery.pkg.runtime.RawExtension", None, b""),
    ],
)
def test_messages_with_a_form_of_their_own(message: str, value: Any, expected: bytes) -> None:
    assert encoder.encode_message(message, value) == expected


def test_embedded_structs_take_the_outer_objects_fields() -> None:
    message = encoder.encode_message("k8s.io.api.core.v1.Volume", {"name": "v", "hostPath": {"path": "/x"}})
    assert message == field(1, "v") + field(2, field(1, field(1, "/x")))


@pytest.mark.parametrize(
    "schema",
    [
        {"items": {"type": "string"}, "additionalProperties": True},
        {"items": [{"type": "string"}, {"type": "integer"}], "additionalProperties": {"type": "object"}},
        {"dependencies": {"a": ["b"], "c": {"type": "string"}}, "additionalItems": False},
        {"default": {"a": [1, None, "x"]}, "enum": ["a", 1, None], "x-kubernetes-int-or-string": True, "$ref": "r"},
    ],
)
def test_schemas_of_custom_resources_come_back(schema: dict[str, Any]) -> None:
    version = {"name": "v1", "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": schema}}}}
    api = "apiextensions.k8s.io/v1"
    obj = {"apiVersion": api, "kind": "CustomResourceDefinition", "metadata": {}, "spec": {"versions": [version]}}
    found = there_and_back(obj)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert contains(found, schema)


def test_what_has_no_message_is_told() -> None:
    assert not encoder.has_message("example.com/v1", "Widget")
    with pytest.raises(LookupError):
        encoder.encode({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {}})


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("v1", "Status"),
        ("v1", "APIResourceList"),
        ("meta.k8s.io/v1", "PartialObjectMetadataList"),
        ("apiregistration.k8s.io/v1", "APIService"),
        ("autoscaling/v1", "Scale"),
    ],
)
def test_kinds_that_are_no_resources_have_messages(api_version: str, kind: str) -> None:
    assert encoder.encode({"apiVersion": api_version, "kind": kind}).startswith(MAGIC)


_TEXT = st.text(max_size=12)
_PODS = st.fixed_dictionaries(
    {"apiVersion": st.just("v1"), "kind": st.just("Pod")},
    optional={
        "metadata": st.fixed_dictionaries(
            {},
            optional={"name": _TEXT, "labels": st.dictionaries(_TEXT, _TEXT), "generation": st.integers(0, 2**63 - 1)},
        ),
        "spec": st.fixed_dictionaries(
            {},
            optional={
                "nodeName": _TEXT,
                "activeDeadlineSeconds": st.integers(-(2**63), 2**63 - 1),
                "hostNetwork": st.booleans(),
                "containers": st.lists(st.fixed_dictionaries({"name": _TEXT}, optional={"args": st.lists(_TEXT)})),
                "volumes": st.lists(st.fixed_dictionaries({"name": _TEXT, "emptyDir": st.just({})})),
            },
        ),
    },
)


def contains(whole: Any, part: Any) -> bool:
    """Whether everything in `part` is in `whole`; lists and maps that are empty do not exist on the wire."""
    if isinstance(part, dict):
        return all(contains((whole or {}).get(key), value) for key, value in part.items())
    if isinstance(part, list):
        return len(whole or []) == len(part) and all(map(contains, whole or [], part))
    return bool(whole == part)


@given(_PODS)
def test_nothing_is_lost_on_the_way_there_and_back(pod: dict[str, Any]) -> None:
    assert contains(there_and_back(pod), pod), json.dumps(pod)
