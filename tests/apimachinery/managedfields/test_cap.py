from pynetes.apimachinery.managedfields.cap import ANCIENT, cap
from pynetes.apimachinery.managedfields.entries import APPLY, UPDATE, ManagerId, Managers, Owned


def managers(count: int, version: str = "v1") -> Managers:
    return {
        ManagerId(f"m{index:02}", UPDATE, version): Owned(
            {f"f:{index}": {}}, version, False, f"2026-01-01T00:00:{index:02}Z"
        )
        for index in range(count)
    }


def test_few_are_left_alone() -> None:
    few = {**managers(10), **{ManagerId(f"a{n}", APPLY): Owned({"f:x": {}}, "v1", True) for n in range(5)}}
    assert cap(few) is few


def test_the_oldest_become_one() -> None:
    before = managers(12)
    after = cap(before)
    bucket = ManagerId(ANCIENT, UPDATE, "v1")
    assert len(after) == 10
    assert after[bucket] == Owned({"f:0": {}, "f:1": {}, "f:2": {}}, "v1", False, "2026-01-01T00:00:02Z")
    assert ManagerId("m03", UPDATE, "v1") in after
    assert len(before) == 12


def test_one_bucket_a_version_and_the_first_of_a_version_waits_for_a_second() -> None:
    mixed = {**managers(6), **managers(6, "v2")}
    after = cap(mixed)
    assert len(after) == 10
    assert after[ManagerId(ANCIENT, UPDATE, "v1")].fields == {"f:0": {}, "f:1": {}}
    assert after[ManagerId(ANCIENT, UPDATE, "v2")].fields == {"f:0": {}, "f:1": {}}


def test_a_bucket_grows() -> None:
    after = cap(managers(11))
    again = {**after, ManagerId("new", UPDATE, "v1"): Owned({"f:new": {}}, "v1", False, "2026-02-01T00:00:00Z")}
    assert cap(again)[ManagerId(ANCIENT, UPDATE, "v1")].fields == {"f:0": {}, "f:1": {}, "f:2": {}}
