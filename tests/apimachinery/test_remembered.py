from pynetes.apimachinery.remembered import ByText


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
