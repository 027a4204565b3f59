"""Outcomes for short texts are remembered, long texts are not; of whole objects no more than there is room for."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from pynetes.component.memo import KEPT, LONGEST, ByText, remembered


def test_only_short_texts_are_remembered() -> None:
    asked: list[int] = []

    @remembered(2)
    def size(text: str, factor: int) -> int:
        asked.append(len(text))
        return len(text) * factor

    long = "x" * (LONGEST + 1)
    assert [size("ab", 2), size("ab", 2), size("ab", 3)] == [4, 4, 6]
    assert size(long, 1) == size(long, 1) == len(long)
    assert asked == [2, 2, len(long), len(long)]


def test_a_text_is_looked_into_once() -> None:
    asked: list[bytes] = []

    def length(text: bytes) -> int:
        asked.append(text)
        return len(text)

    remembered: ByText[int] = ByText(2)
    found = [remembered.get(text, lambda text=text: length(text)) for text in (b"a", b"bc", b"a", b"def", b"a", b"bc")]
    assert found == [1, 2, 1, 3, 1, 2]
    assert asked == [b"a", b"bc", b"def", b"bc"]  # bc had been asked for the longest time ago


def test_no_finding_is_a_finding() -> None:
    remembered: ByText[None] = ByText(2)
    remembered.get(b"a", lambda: None)
    assert remembered.get(b"a", lambda: 1 / 0) is None  # type: ignore[arg-type, return-value]


def test_of_long_texts_nothing_is_kept() -> None:
    remembered: ByText[int] = ByText(2)
    assert [remembered.get(b"a" * 40_000, lambda n=n: n) for n in (1, 2)] == [1, 2]


def test_long_texts_push_each_other_out() -> None:
    remembered: ByText[int] = ByText(1000)
    texts = [b"%d" % number + b"x" * 30_000 for number in range(2 * KEPT // 30_000)]
    for number, text in enumerate(texts):
        remembered.get(text, lambda number=number: number)
    newest, oldest = len(texts) - 1, 0
    assert remembered.get(texts[newest], lambda: -1) == newest
    assert remembered.get(texts[oldest], lambda: -1) == -1


def test_threads_that_look_at_once_leave_room_for_what_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pynetes.component.memo.KEPT", 64)
    remembered: ByText[int] = ByText(1000)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda n: remembered.get(b"%d" % (n % 7) * 16, lambda: n), range(20_000)))
    finally:
        sys.setswitchinterval(before)
    remembered.get(b"a" * 64, lambda: 1)
    assert remembered.get(b"a" * 64, lambda: 2) == 1
