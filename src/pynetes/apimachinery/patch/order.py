"""The order of a merged list: what the client listed keeps the client's order, what only the server has keeps the
server's, and the second is woven into the first where the live list suggests it."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

Identity = Callable[[Any], Hashable]


def arrange(merged: Sequence[Any], wanted: Sequence[Any], live: Sequence[Any], identity: Identity) -> list[Any]:
    """`merged` in the order of `wanted`, with items that `wanted` lacks placed as in `live`."""
    wanted_rank = _ranks(wanted, identity)
    live_rank = _ranks(live, identity)
    last = len(live_rank)
    listed = [item for item in merged if identity(item) in wanted_rank]
    others = [item for item in merged if identity(item) not in wanted_rank]
    listed.sort(key=lambda item: wanted_rank[identity(item)])
    others.sort(key=lambda item: live_rank.get(identity(item), last))
    return _weave(others, listed, lambda item: live_rank.get(identity(item)))


def _ranks(items: Sequence[Any], identity: Identity) -> dict[Hashable, int]:
    ranks: dict[Hashable, int] = {}
    for index, item in enumerate(items):
        ranks.setdefault(identity(item), index)
    return ranks


def _weave(left: list[Any], right: list[Any], rank: Callable[[Any], int | None]) -> list[Any]:
    """Each of `left` goes before the first remaining of `right` that stands behind it in the live list.

    Items that the live list does not know are passed over.
    """
    out: list[Any] = []
    at = 0
    for item in left:
        own = rank(item)
        place = at
        while place < len(right):
            other = rank(right[place])
            if own is not None and other is not None and own < other:
                break
            place += 1
        out += right[at:place]
        out.append(item)
        at = place
    return out + right[at:]
