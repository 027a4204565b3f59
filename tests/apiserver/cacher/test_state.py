"""Key order, ranges, and what happens to them under changes."""

import random

from pynetes.apiserver.cacher.entry import Entry
from pynetes.apiserver.cacher.state import State


def entry(key: str) -> Entry:
    return Entry(key, b"", 1)


def keys(entries: list[Entry]) -> list[str]:
    return [e.key for e in entries]


def test_ranges() -> None:
    state = State(entry(key) for key in ("/p/b/x", "/p/a/y", "/p/a/x", "/p/a-b/x", "/p/ab/x"))
    assert keys(state.range("/p/")) == ["/p/a-b/x", "/p/a/x", "/p/a/y", "/p/ab/x", "/p/b/x"]
    assert keys(state.range("/p/a/")) == ["/p/a/x", "/p/a/y"]
    assert keys(state.range("/p/a/", "/p/a/x\0")) == ["/p/a/y"]
    assert keys(state.range("/p/a/", "/o")) == ["/p/a/x", "/p/a/y"]
    assert keys(state.range("/p/a/", "/q")) == []
    assert keys(state.range("/p/a/x")) == ["/p/a/x"]
    assert keys(state.range("/p/a/x", "/p/a/x\0")) == []
    assert keys(state.range("/p/none")) == keys(state.range("/p/none/")) == []


def test_order_holds_under_random_changes() -> None:
    chance, state, model = random.Random(1), State(), dict[str, Entry]()
    for _ in range(2000):
        key = f"/p/{chance.randrange(200):03}"
        if chance.random() < 0.5:
            new = entry(key)
            assert state.put(new) is model.get(key)
            model[key] = new
        else:
            assert state.remove(key) is model.pop(key, None)
    assert state.range("/p/") == [model[key] for key in sorted(model)]
    assert len(state) == len(model)
