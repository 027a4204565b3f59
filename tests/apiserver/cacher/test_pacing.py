"""Many watchers are told in turns, and lose nothing by it."""

import asyncio

from pynetes.apiserver.cacher import Entry, Watcher
from pynetes.apiserver.cacher.events import Frames, WatchEvent
from pynetes.apiserver.cacher.pacing import PER_TURN, Pacer


class Crowd:
    """Watchers that wait, each with a consumer that keeps what it is given."""

    def __init__(self, size: int) -> None:
        self.pacer = Pacer()
        self.watchers = [Watcher(None) for _ in range(size)]
        self.given: list[list[Frames]] = [[] for _ in self.watchers]
        self.consumers = [asyncio.ensure_future(self._consume(index)) for index in range(size)]

    async def _consume(self, index: int) -> None:
        async for frames in self.watchers[index]:
            self.given[index].append(frames)

    def tell(self, revision: int) -> None:
        frames = Frames([WatchEvent("MODIFIED", Entry("/k", b"%d" % revision, revision))])
        for watcher in self.watchers:
            self.pacer.put(watcher, frames)
        self.pacer.begin()

    async def end(self) -> list[list[list[int]]]:
        """All consumers at their end; the revisions of what each was given, time by time."""
        for watcher in self.watchers:
            watcher.end()
        await asyncio.gather(*self.consumers)
        return [[[event.entry.mod_revision for event in frames] for frames in given] for given in self.given]


async def test_watchers_of_later_turns_are_given_all_changes_in_one() -> None:
    crowd = Crowd(PER_TURN + 1)
    await asyncio.sleep(0)
    crowd.tell(1)
    crowd.tell(2)
    await asyncio.sleep(0)  # the first have taken both, the last has been woken
    crowd.tell(3)
    given = await crowd.end()
    assert given[:PER_TURN] == [[[1, 2], [3]]] * PER_TURN
    assert given[PER_TURN:] == [[[1, 2, 3]]]


async def test_others_are_served_between_the_turns() -> None:
    crowd = Crowd(3 * PER_TURN)
    await asyncio.sleep(0)
    crowd.tell(1)
    served = []
    for _ in range(3):
        await asyncio.sleep(0)
        served.append(sum(map(len, crowd.given)))
    assert served == [PER_TURN, 2 * PER_TURN, 3 * PER_TURN]
    await crowd.end()


async def test_what_is_given_in_one_is_shared_by_all_who_are_given_the_same() -> None:
    crowd = Crowd(3)
    await asyncio.sleep(0)
    crowd.tell(1)
    crowd.tell(2)
    await crowd.end()
    [[first], [second], [third]] = crowd.given
    assert first is second is third
    assert first.data.count(b"MODIFIED") == 2


async def test_joined_frames_are_those_that_were_asked_for() -> None:
    a, b, c = (Frames([WatchEvent("ADDED", Entry(f"/{n}", b"{}", n))]) for n in (1, 2, 3))
    assert [e.entry.mod_revision for e in c.after([a, b])] == [1, 2, 3]
    assert [e.entry.mod_revision for e in c.after([b])] == [2, 3]
    assert c.after([b]) is c.after([b])
    assert list(b) == [b[0]]


async def test_a_watcher_that_ends_before_its_turn_still_gives_what_it_has() -> None:
    crowd = Crowd(PER_TURN + 1)
    await asyncio.sleep(0)
    crowd.tell(1)
    crowd.watchers[-1].end()
    assert (await crowd.end())[-1] == [[1]]
