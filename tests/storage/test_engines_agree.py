"""Every engine, put through the same random life, tells the same as a plain model of what a store is."""

import random
from dataclasses import dataclass, field

import pytest

from pynetes.storage import Compacted, Event, KeyExists, KeyValue, RevisionConflict, Store

KEYS = [f"/{directory}/{name}" for directory in "ab" for name in ("x", "xx", "y", "ü")]


@dataclass
class Model:
    """All states the store ever had, and the events between them."""

    revision: int
    compacted: int = 0
    states: dict[int, dict[str, KeyValue]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    @property
    def now(self) -> dict[str, KeyValue]:
        return self.states.get(self.revision, {})

    def put(self, kv: KeyValue | None, key: str, event: Event) -> None:
        state = dict(self.now)
        if kv is None:
            del state[key]
        else:
            state[key] = kv
        self.revision += 1
        self.states[self.revision] = state
        self.events.append(event)


async def write(store: Store, model: Model, chance: random.Random) -> None:
    key, value = chance.choice(KEYS), str(chance.random()).encode()
    held = model.now.get(key)
    expected = held.mod_revision if held and chance.random() < 0.9 else chance.randrange(1, 99)
    verb = chance.choice(("create", "update", "update", "delete"))
    try:
        if verb == "create":
            done = await store.create(key, value)
            assert held is None
        elif verb == "update":
            done = await store.update(key, value, expected=expected)
        else:
            done = await store.delete(key, expected=expected)
    except (KeyExists, RevisionConflict) as e:
        refused = e
    else:
        refused = None
    if refused is not None:
        assert refused.current == held
        assert held is not None if verb == "create" else held is None or held.mod_revision != expected
        return
    assert done.mod_revision == model.revision + 1
    kind = "DELETE" if verb == "delete" else "PUT"
    model.put(None if verb == "delete" else done, key, Event(kind, done, held))


async def read(store: Store, model: Model, chance: random.Random) -> None:
    revision = chance.randrange(1, model.revision + 1)
    prefix = chance.choice(("/", "/a/", "/b/", "/a/x", "/c/"))
    if revision < model.compacted:
        with pytest.raises(Compacted):
            await store.list(prefix, revision=revision)
        with pytest.raises(Compacted):
            await store.get(KEYS[0], revision=revision)
        return
    state = model.states.get(revision, {})
    key = chance.choice(KEYS)
    assert await store.get(key, revision=revision) == (state.get(key), model.revision)
    start, limit = chance.choice(("", chance.choice(KEYS))), chance.randrange(4)
    wanted = [state[key] for key in sorted(state) if key.startswith(prefix) and key >= start]
    listed = await store.list(prefix, revision=revision, start=start, limit=limit)
    assert listed.items == (wanted[:limit] if limit else wanted)
    assert listed.remaining == len(wanted) - len(listed.items)
    assert (listed.more, listed.revision) == (listed.remaining > 0, revision)


async def replay(store: Store, model: Model, chance: random.Random) -> None:
    start = chance.randrange(1, model.revision + 1)
    prefix = chance.choice(("/", "/a/", "/b/x"))
    if start <= model.compacted:
        with pytest.raises(Compacted):
            async with store.watch(prefix, start=start):
                pytest.fail("entered")
        return
    wanted = [e for e in model.events if e.kv.mod_revision >= start and e.kv.key.startswith(prefix)]
    async with store.watch(prefix, start=start) as watch:
        told: list[Event] = []
        while len(told) < len(wanted):
            told += (await anext(watch)).events
        assert told == wanted
        assert watch.progress == model.revision


async def compact(store: Store, model: Model, chance: random.Random) -> None:
    revision = chance.randrange(1, model.revision + 1)
    await store.compact(revision)
    model.compacted = max(model.compacted, revision)


@pytest.mark.parametrize("seed", range(5))
async def test_a_random_life(store: Store, seed: int) -> None:
    chance = random.Random(seed)
    model = Model(await store.revision())
    steps = [write] * 12 + [read] * 12 + [replay] * 2 + [compact]
    for _ in range(600):
        await chance.choice(steps)(store, model, chance)
