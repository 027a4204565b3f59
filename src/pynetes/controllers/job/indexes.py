"""Sets of completion indexes, as a status writes them: `1,3-5,7`."""

from collections.abc import Iterable

from pynetes.apis.batch.indexes import parse_indexes


def parse(text: str | None, completions: int) -> set[int]:
    """Indexes beyond `completions` (a Job that was made smaller) are dropped."""
    out: set[int] = set()
    for part in (text or "").split(","):
        if part:
            first, _, last = part.partition("-")
            out.update(range(int(first), min(int(last or first), completions - 1) + 1))
    return out


def format(indexes: Iterable[int]) -> str:
    parts: list[list[int]] = []
    for index in sorted(indexes):
        if parts and parts[-1][1] == index - 1:
            parts[-1][1] = index
        else:
            parts.append([index, index])
    return ",".join(str(a) if a == b else f"{a},{b}" if b == a + 1 else f"{a}-{b}" for a, b in parts)


def covers(text: str, completions: int, done: set[int]) -> int:
    """How many of the indexes listed in `text` are done."""
    return sum(len(done.intersection(range(a, b + 1))) for a, b in parse_indexes(text, completions))
