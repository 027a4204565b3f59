"""Entries: the version spliced into the bytes, and parsing only on demand."""

import orjson
import pytest

from pynetes.apiserver.cacher import Entry, wire_bytes
from pynetes.storage import KeyValue

VALUE = (
    b'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","labels":{"app":"web"}},"spec":{"metadata":{"name":"b"}}}'
)


@pytest.mark.parametrize(
    "value",
    [
        VALUE,
        b'{"apiVersion":"a.b/v1","kind":"Some","metadata":{}}',
        b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"x":"\\"metadata\\":{"}}',
    ],
)
def test_the_version_comes_into_the_metadata_and_nothing_else_changes(value: bytes) -> None:
    wire = wire_bytes(value, 42)
    expected = orjson.loads(value)
    expected["metadata"]["resourceVersion"] = "42"
    assert orjson.loads(wire) == expected
    again = Entry("k", wire, 42).at_revision(1234)
    expected["metadata"]["resourceVersion"] = "1234"
    assert orjson.loads(again.bytes) == expected
    assert again.mod_revision == 1234


def test_an_entry_parses_once_and_selects_without_keeping_the_object() -> None:
    entry = Entry.from_stored(KeyValue("/k", VALUE, 3, 7))
    assert (entry.labels, entry.fields["metadata.name"]) == ({"app": "web"}, "a")
    assert entry._object is None
    assert entry.object["metadata"]["resourceVersion"] == "7"
    assert entry.object is entry.object
    assert (entry.create_revision, entry.mod_revision) == (3, 7)


def test_of_many_entries_those_parsed_last_keep_their_objects() -> None:
    """A window of thousands of versions holds their bytes alone."""
    value = b'{"metadata":{"name":"%b"}}' % (b"x" * 10_000)
    entries = [Entry(str(number), value, number) for number in range(1000)]
    first = entries[0].object
    for entry in entries:
        assert entry.object["metadata"]["name"]
    kept = [entry for entry in entries if entry._object is not None]
    assert kept == entries[-len(kept) :]
    assert sum(len(entry.bytes) for entry in kept) <= 2 << 20
    assert entries[0].object == first


def test_a_superseded_entry_forgets_what_can_be_made_again() -> None:
    entry = Entry.from_stored(KeyValue("/k", VALUE, 3, 7))
    before, row = entry.object, entry.memo("table", lambda e: [e.key])
    entry.forget()
    assert entry._object is None
    assert (entry.object, entry.memo("table", lambda e: [e.key])) == (before, row)


def test_another_form_is_made_once() -> None:
    entry = Entry.from_stored(KeyValue("/k", VALUE, 3, 7))
    made = [entry.memo("table", lambda e: [e.key]) for _ in range(2)]
    assert made[0] is made[1] == ["/k"]


def test_objects_without_labels_have_none() -> None:
    assert Entry("k", b'{"metadata":{"labels":null}}', 1).labels == {}
    assert Entry("k", b'{"metadata":{}}', 1).labels == {}
