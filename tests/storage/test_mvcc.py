"""What a group of writes does, by table."""

import pytest

from pynetes.storage import Event, KeyExists, KeyValue, RevisionConflict
from pynetes.storage.mvcc import Write, decide

HELD = KeyValue("a", b"held", 3, 5)


@pytest.mark.parametrize(
    ("writes", "told"),
    [
        ([Write("b", b"1", 0)], ["PUT b@11"]),
        ([Write("a", b"1", 0)], ["KeyExists 5"]),
        ([Write("a", b"1", 5)], ["PUT a@11"]),
        ([Write("a", b"1", 4)], ["RevisionConflict 5"]),
        ([Write("b", b"1", 4)], ["RevisionConflict None"]),
        ([Write("a", None, 5)], ["DELETE a@11"]),
        ([Write("b", None, 0)], ["RevisionConflict None"]),
        ([Write("a", None, 0)], ["RevisionConflict 5"]),
        # Later writes of a group see the earlier ones, and refused ones take no revision.
        ([Write("b", b"1", 0), Write("b", b"2", 0), Write("b", b"3", 11)], ["PUT b@11", "KeyExists 11", "PUT b@12"]),
        ([Write("a", None, 5), Write("a", b"1", 5)], ["DELETE a@11", "RevisionConflict None"]),
        ([Write("a", None, 5), Write("a", b"1", 0)], ["DELETE a@11", "PUT a@12"]),
    ],
)  # fmt: skip
def test_decide(writes: list[Write], told: list[str]) -> None:
    def tell(outcome: object) -> str:
        if isinstance(outcome, Event):
            return f"{outcome.type} {outcome.kv.key}@{outcome.kv.mod_revision}"
        assert isinstance(outcome, KeyExists | RevisionConflict)
        return f"{type(outcome).__name__} {outcome.current.mod_revision if outcome.current else None}"

    assert [tell(outcome) for outcome in decide(writes, {"a": HELD}, 10)] == told


def test_events_carry_what_they_replaced() -> None:
    current = {"a": HELD}
    changed, gone, again = decide([Write("a", b"1", 5), Write("a", None, 11), Write("a", b"2", 0)], current, 10)
    assert changed == Event("PUT", KeyValue("a", b"1", 3, 11), HELD)
    assert gone == Event("DELETE", KeyValue("a", b"1", 3, 12), KeyValue("a", b"1", 3, 11))
    assert again == Event("PUT", KeyValue("a", b"2", 13, 13), None)
    assert current == {"a": KeyValue("a", b"2", 13, 13)}
