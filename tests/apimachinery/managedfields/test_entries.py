from typing import Any

import pytest

from pynetes.apimachinery.managedfields.entries import EntriesError, ManagerId, decode, encode, is_reset


def entry(manager: str = "kubectl", operation: str = "Update", **changes: Any) -> dict[str, Any]:
    base = {
        "manager": manager,
        "operation": operation,
        "apiVersion": "v1",
        "time": "2026-01-01T00:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:replicas": {}}},
    }
    return {name: value for name, value in {**base, **changes}.items() if value is not None}


def test_appliers_keep_their_identity_across_versions() -> None:
    one, other = decode([entry(operation="Apply")]), decode([entry(operation="Apply", apiVersion="v2")])
    assert list(one) == list(other) == [ManagerId("kubectl", "Apply")]
    assert list(decode([entry(), entry(apiVersion="v2"), entry(subresource="status")])) == [
        ManagerId("kubectl", "Update", "v1"),
        ManagerId("kubectl", "Update", "v2"),
        ManagerId("kubectl", "Update", "v1", "status"),
    ]


def test_entries_come_back_in_order() -> None:
    entries = [
        entry("z", "Apply"),
        entry("b", time="2026-01-01T00:00:01Z"),
        entry("a", time=None),
        entry("b", apiVersion="v2", time="2026-01-01T00:00:01Z"),
        entry("b", subresource="status", time="2026-01-01T00:00:01Z"),
        entry("a", "Apply", time="2026-01-02T00:00:00Z"),
    ]
    order = [(e["manager"], e["operation"], e["apiVersion"], e.get("subresource")) for e in encode(decode(entries))]
    assert order == [
        ("z", "Apply", "v1", None),
        ("a", "Apply", "v1", None),
        ("a", "Update", "v1", None),
        ("b", "Update", "v1", None),
        ("b", "Update", "v1", "status"),
        ("b", "Update", "v2", None),
    ]


def test_a_round_trip_changes_nothing() -> None:
    entries = [entry("a"), entry("b", time="2026-01-01T00:00:01Z", subresource="status")]
    assert encode(decode(entries)) == entries


def test_known_entries_are_taken_as_they_are() -> None:
    stored = [entry("a")]
    owned = decode([entry("a"), entry("b", fieldsV1={"v: 1": {}})], stored)
    assert owned[ManagerId("a", "Update", "v1")].fields is stored[0]["fieldsV1"]
    assert owned[ManagerId("b", "Update", "v1")].fields == {"v:1": {}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"operation": "Create"}, "operation must be `Apply` or `Update`"),
        ({"operation": None}, "operation must be"),
        ({"apiVersion": ""}, "apiVersion must not be empty"),
        ({"fieldsType": None}, "missing fieldsType in managed fields entry 0"),
        ({"fieldsType": "FieldsV2"}, 'invalid fieldsType "FieldsV2" in managed fields entry 0'),
        ({"fieldsV1": {"spec": {}}}, "error decoding versioned set: missing colon: spec"),
        ({"fieldsV1": "f:spec"}, "error decoding versioned set"),
    ],
)
def test_entries_that_make_no_sense(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(EntriesError, match=message):
        decode([entry(**changes)])


@pytest.mark.parametrize(
    ("entries", "reset"), [(None, False), ([], True), ([{}], True), ([{}, {}], False), ([{"manager": "a"}], False)]
)
def test_how_clients_say_that_all_shall_be_forgotten(entries: Any, reset: bool) -> None:
    assert is_reset(entries) is reset


def test_identities_are_sorted_as_the_original_writes_them() -> None:
    assert ManagerId('a"b', "Update", "v1", "status").text == (
        '{"manager":"a\\"b","operation":"Update","apiVersion":"v1","subresource":"status"}'
    )
