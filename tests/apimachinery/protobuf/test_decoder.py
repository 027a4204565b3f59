"""Protobuf bodies as client-go makes them, written by hand here."""

import pytest

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.protobuf.decoder import MAGIC, ProtobufError, decode
from pynetes.apimachinery.protobuf.fields import fields, known


def varint(number: int) -> bytes:
    out = bytearray()
    number &= (1 << 64) - 1
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number: int, value: bytes | str | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def envelope(api_version: str, kind: str, raw: bytes) -> bytes:
    types = field(1, api_version) + field(2, kind)
    return MAGIC + field(1, types) + field(2, raw) + field(3, "") + field(4, "")


SERVICE = GroupVersionKind("", "v1", "Service")


def test_scalars_maps_lists_and_special_forms() -> None:
    metadata = field(1, "web") + field(8, b"") + field(11, field(1, "app") + field(2, "x"))
    port = field(1, "http") + field(3, 80) + field(4, field(1, 1) + field(2, 0) + field(3, "main"))
    spec = field(1, port) + field(1, field(3, -1)) + field(2, field(1, "a") + field(2, "b"))
    obj = decode(envelope("v1", "Service", field(1, metadata) + field(2, spec)), SERVICE)
    assert (obj["apiVersion"], obj["kind"]) == ("v1", "Service")
    assert obj["metadata"] == {"name": "web", "creationTimestamp": None, "labels": {"app": "x"}}
    assert obj["spec"]["ports"] == [{"name": "http", "port": 80, "targetPort": "main"}, {"port": -1}]
    assert obj["spec"]["selector"] == {"a": "b"}


def test_times_quantities_bytes_and_embedded_structs() -> None:
    gvk = GroupVersionKind("", "v1", "Secret")
    secret = field(1, field(1, "s") + field(8, field(1, 1704164645))) + field(2, field(1, "k") + field(2, b"\x00\xff"))
    obj = decode(envelope("v1", "Secret", secret), gvk)
    assert obj["metadata"]["creationTimestamp"] == "2024-01-02T03:04:05Z"
    assert obj["data"] == {"k": "AP8="}
    volume = field(1, "v") + field(2, field(2, field(1, "") + field(2, field(1, "1Gi"))))
    pod = field(2, field(1, volume))
    found = decode(envelope("v1", "Pod", pod), GroupVersionKind("", "v1", "Pod"))
    assert found["spec"]["volumes"] == [{"name": "v", "emptyDir": {"medium": "", "sizeLimit": "1Gi"}}]


@pytest.mark.parametrize(
    "groups", [field(4, 1) + field(4, 300), field(4, varint(1) + varint(300)), field(4, varint(1)) + field(4, 300)]
)
def test_numbers_of_a_list_may_be_packed(groups: bytes) -> None:
    pod = field(2, field(14, groups))
    found = decode(envelope("v1", "Pod", pod), GroupVersionKind("", "v1", "Pod"))
    assert found["spec"]["securityContext"] == {"supplementalGroups": [1, 300]}


def test_a_packed_number_does_not_reach_beyond_its_list() -> None:
    with pytest.raises(ProtobufError, match="unexpected EOF"):
        decode(
            envelope("v1", "Pod", field(2, field(14, field(4, b"\x80") + field(4, 1)))),
            GroupVersionKind("", "v1", "Pod"),
        )


def test_unknown_fields_are_skipped_and_missing_types_are_the_endpoints() -> None:
    raw = field(1, field(1, "x")) + field(999, "later") + field(998, 5)
    obj = decode(MAGIC + field(2, raw), SERVICE)
    assert obj == {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}}


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", MAGIC + b"\xff", MAGIC + field(2, b"\x0a\x50"), envelope("v9", "Nothing", b""), MAGIC + b"\x0b"],
)
def test_rubbish_is_refused(body: bytes) -> None:
    with pytest.raises(ProtobufError):
        decode(body, SERVICE)


def test_every_message_that_is_referred_to_is_known() -> None:
    seen, queue = set(), ["k8s.io.api.core.v1.Pod", "k8s.io.api.apps.v1.Deployment", "k8s.io.api.core.v1.Node"]
    while queue:
        message = queue.pop()
        if message in seen:
            continue
        seen.add(message)
        assert known(message)
        queue += [f.type for f in fields(message).values() if f.type.startswith("k8s.io.")]
    assert len(seen) > 100


META = field(1, "x")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "empty data"),
        (MAGIC, "empty body"),
        (MAGIC + b"\x02\x00", "illegal tag 0"),
        (MAGIC + b"\x12" + b"\xff" * 8 + b"\x7f", "unexpected EOF"),
        (MAGIC + b"\x12" + b"\xff" * 9 + b"\x01", "negative length"),
        (MAGIC + b"\x12" + b"\xff" * 11, "integer overflow"),
        (envelope("v1", "Foo", b""), 'no kind "Foo" is registered for version "v1"'),
        (envelope("v1", "Service", field(1, 1)), "wrong wireType = 0"),
        (envelope("v1", "Service", field(1, META + field(8, field(1, 2**62)))), "year outside of range"),
        (envelope("v1", "Service", field(1, META + b"\x38\xff")), "unexpected EOF"),
    ],
)
def test_hostile_bytes_are_told_apart(body: bytes, text: str) -> None:
    with pytest.raises(ProtobufError, match=text):
        decode(body, SERVICE)


def test_numbers_wrap_to_the_width_of_their_field_and_bytes_are_made_text() -> None:
    port = field(1, b"\xff") + field(3, 2**40 + 5)
    obj = decode(envelope("v1", "Service", field(2, field(1, port))), SERVICE)
    assert obj["spec"]["ports"] == [{"name": "\ufffd", "port": 5}]
    number = b"\x38" + b"\xff" * 9 + b"\x7f"  # 70 bits, of which Go keeps 64
    obj = decode(envelope("v1", "Service", field(1, META + number)), SERVICE)
    assert obj["metadata"]["generation"] == -1


def test_messages_nest_no_deeper_than_other_bodies() -> None:
    schema = b""
    for _ in range(3000):
        schema = field(28, schema)  # not
    version = field(1, "v1") + field(4, field(1, schema))
    body = envelope("apiextensions.k8s.io/v1", "CustomResourceDefinition", field(2, field(7, version)))
    with pytest.raises(ProtobufError, match="exceeded max depth"):
        decode(body, GroupVersionKind("apiextensions.k8s.io", "v1", "CustomResourceDefinition"))
