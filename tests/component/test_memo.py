"""Outcomes for short texts are remembered, long texts are not."""

from pynetes.component.memo import LONGEST, remembered


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
