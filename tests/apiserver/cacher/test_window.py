"""What a window keeps, and what it answers about the past."""

import pytest

from pynetes.apimachinery.errors import StatusError
from pynetes.apiserver.cacher.entry import Entry
from pynetes.apiserver.cacher.events import Change
from pynetes.apiserver.cacher.window import Window, WindowLimits


def changes(*revisions: int, size: int = 10) -> list[Change]:
    return [Change(Entry("/k", b"x" * size, revision), None, False) for revision in revisions]


def since(window: Window, revision: int) -> list[int]:
    return [change.entry.mod_revision for change in window.since(revision)]


def test_it_tells_what_came_after_a_revision() -> None:
    window = Window(10, WindowLimits())
    window.add(changes(12, 15), 0.0)
    window.add(changes(16), 0.0)
    assert [since(window, revision) for revision in (10, 11, 12, 14, 15, 16, 99)] == [
        [12, 15, 16], [12, 15, 16], [15, 16], [15, 16], [16], [], [],
    ]  # fmt: skip


def test_it_refuses_what_it_cannot_know_with_the_original_s_text() -> None:
    window = Window(10, WindowLimits())
    with pytest.raises(StatusError, match=r"^too old resource version: 9 \(10\)$") as caught:
        window.since(9)
    assert (caught.value.code, caught.value.reason) == (410, "Expired")


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        (WindowLimits(events_min=1, events_max=3), [8, 9, 10]),
        (WindowLimits(events_min=1, bytes_max=45), [7, 8, 9, 10]),
        (WindowLimits(events_min=1, seconds_max=2.5), [8, 9, 10]),
        (WindowLimits(events_min=5, events_max=2, bytes_max=0, seconds_max=0), [6, 7, 8, 9, 10]),
    ],
)
def test_old_changes_go_by_number_size_and_age(limits: WindowLimits, kept: list[int]) -> None:
    window = Window(0, limits)
    for revision in range(1, 11):
        window.add(changes(revision), float(revision))
    assert since(window, window.floor) == kept
    assert window.floor == kept[0] - 1
    with pytest.raises(StatusError):
        window.since(window.floor - 1)
