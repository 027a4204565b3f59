"""Lists of indexes as Jobs write them: `1,3-5,7`."""

Interval = tuple[int, int]


def parse_interval(text: str, completions: int) -> Interval:
    """ValueError says what is wrong."""
    parts = text.split("-")
    if len(parts) > 2:
        raise ValueError(
            f'the fragment "{text}" violates the requirement that an index interval can have at most two parts '
            "separated by '-'"
        )
    ends = [_index(part, completions) for part in parts]
    if len(ends) == 2 and ends[0] >= ends[1]:
        raise ValueError(f"non-increasing order, previous: {ends[0]}, current: {ends[1]}")
    return ends[0], ends[-1]


def _index(text: str, completions: int) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f'cannot convert string to integer for index: "{text}"')
    if int(text) >= completions:
        raise ValueError(f'too large index: "{text}"')
    return int(text)


def parse_indexes(text: str, completions: int) -> list[Interval]:
    """Intervals in increasing order."""
    out: list[Interval] = []
    for part in text.split(",") if text else ():
        interval = parse_interval(part, completions)
        if out and out[-1][1] >= interval[0]:
            raise ValueError(f"non-increasing order, previous: {out[-1][1]}, current: {interval[0]}")
        out.append(interval)
    return out


def count(intervals: list[Interval]) -> int:
    return sum(last - first + 1 for first, last in intervals)


def first_overlap(text: str, other: str, completions: int) -> int | None:
    """An index in both lists; broken intervals are passed over."""
    mine, theirs = _readable(text, completions), _readable(other, completions)
    overlaps = [max(a, c) for a, b in mine for c, d in theirs if a <= d and c <= b]
    return min(overlaps) if overlaps else None


def _readable(text: str, completions: int) -> list[Interval]:
    out = []
    for part in text.split(",") if text else ():
        try:
            out.append(parse_interval(part, completions))
        except ValueError:
            continue
    return out
