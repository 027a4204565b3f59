"""Events too large lose their objects; those too large without are lost; lists are written in parts."""

from typing import Any

from pynetes.apiserver.audit.event import line
from pynetes.apiserver.audit.truncate import Limits, split


def event(level: str = "Request", **fields: Any) -> dict[str, Any]:
    return {"level": level, "stage": "ResponseComplete", "auditID": "i", **fields}


def test_a_large_event_loses_its_objects_and_says_so() -> None:
    large = event(requestObject={"a": "x" * 500}, responseObject={}, annotations={"k": "v"})
    assert split([large], Limits(200, 1000)) == [
        [event(annotations={"k": "v", "audit.k8s.io/truncated": "true"})],
    ]
    assert large["annotations"] == {"k": "v"}


def test_what_is_too_large_without_objects_is_lost() -> None:
    small = event()
    without_objects = event("Metadata", requestURI="x" * 500)
    assert split([without_objects, event(requestURI="x" * 500), small], Limits(200, 1000)) == [[small]]


def test_parts_are_no_larger_than_they_may_be() -> None:
    size = len(line(event()))
    assert [len(part) for part in split([event()] * 5, Limits(size, 2 * size))] == [2, 2, 1]
