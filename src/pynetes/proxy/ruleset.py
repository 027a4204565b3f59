"""The nftables table: its fixed frame, and the text of a transaction from one state to another. Pure.

All services stand in two named maps: (address, protocol, port) → the chain for that many endpoints, and (address,
protocol, port, index) → endpoint. There is one chain for each endpoint *count*, so a change of endpoints only adds
and deletes map elements: anonymous maps, as one chain a service would need, cost the kernel quadratic time.

The chains of all counts up to a capacity are made with the table: libnftables 1.0.6 refuses a rule on a map with a
`th dport` value once that map is in the kernel. A count beyond the capacity replaces the whole table, with twice as
many.

Addresses for clients outside whose Service keeps traffic local have a second stage, `external-local`: it asks where the
client is, and looks its policy's endpoints up in a map for each.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from pynetes.proxy.elements import LOCAL_OFFSET, MASQUERADE, SHARED, Element, Elements
from pynetes.proxy.frame import KEY, NODEPORT_KEY, TABLE, Frame

DELETE = f"add table {TABLE}\ndelete table {TABLE}\n"

_FIRST_CAPACITY = 32

#: Elements in one `add element` line: long lines are parsed fast, but not without bound.
_BATCH = 1000


class State(Struct):
    """What the kernel holds besides the frame. It is kept here and never listed back: listing is slow."""

    items: dict[Element, str] = field(default_factory=dict)
    shared: Counter[Element] = field(default_factory=Counter)
    chains: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sets: dict[str, int] = field(default_factory=dict)
    capacity: int = 0  # there are chains for so many endpoints
    contested: set[Element] = field(default_factory=set)  # several ports want them; the first has them
    stale: set[str] = field(default_factory=set)  # empty chains that nothing leads to


class Change(Struct):
    """A transaction under construction, from `State` to the state after it."""

    state: State
    removed: dict[Element, str] = field(default_factory=dict)
    added: dict[Element, str] = field(default_factory=dict)
    dropped_chains: list[str] = field(default_factory=list)
    new_chains: dict[str, tuple[str, ...]] = field(default_factory=dict)
    dropped_sets: list[str] = field(default_factory=list)
    new_sets: dict[str, int] = field(default_factory=dict)
    #: the change needs chains that are not there, or what two ports claim goes to the other: only `full` can tell
    needs_full: bool = False

    def replace(self, old: Elements | None, new: Elements | None) -> None:
        """One port's contribution changes from `old` to `new` (None: it has none)."""
        before, after = old or Elements(), new or Elements()
        self._replace_items(before.items, after.items)
        for name in before.chains.keys() - after.chains.keys():
            del self.state.chains[name]
            self.state.stale.add(name)
            self.dropped_chains.append(name)
        for name, rules in after.chains.items():
            if self.state.chains.get(name) != rules:
                self.new_chains[name] = self.state.chains[name] = rules
                self.state.stale.discard(name)
        for name in before.affinity_sets.keys() - after.affinity_sets.keys():
            del self.state.sets[name]
            self.dropped_sets.append(name)
        for name, seconds in after.affinity_sets.items():
            if name not in self.state.sets:
                self.new_sets[name] = self.state.sets[name] = seconds
        self.needs_full |= any(count > self.state.capacity for count in after.counts)

    def _replace_items(self, before: Mapping[Element, str], after: Mapping[Element, str]) -> None:
        for element, value in before.items():
            if after.get(element) == value:
                continue
            if element[0] in SHARED:
                self._release(element)
            elif element in self.state.contested:
                self.needs_full = True
            else:
                self._remove(element)
        for element, value in after.items():
            if before.get(element) == value:
                continue
            if element[0] in SHARED:
                self._hold(element)
            elif element in self.state.items:
                self.state.contested.add(element)
                self.needs_full = True
            else:
                self._add(element, value)

    def _hold(self, element: Element) -> None:
        self.state.shared[element] += 1
        if self.state.shared[element] == 1:
            self._add(element, "")

    def _release(self, element: Element) -> None:
        self.state.shared[element] -= 1
        if not self.state.shared[element]:
            del self.state.shared[element]
            self._remove(element)

    def _add(self, element: Element, value: str) -> None:
        self.state.items[element] = value
        if self.removed.get(element) == value:
            del self.removed[element]  # removed and added again: the kernel has it
        else:
            self.added[element] = value

    def _remove(self, element: Element) -> None:
        value = self.state.items.pop(element, None)
        if value is None:
            return
        if element in self.added:
            del self.added[element]
        else:
            self.removed[element] = value

    def __bool__(self) -> bool:
        return bool(self.removed or self.added or self.dropped_chains or self.new_chains)

    def text(self) -> str:
        """The transaction: what is referred to comes first, what is no longer referred to goes last."""
        lines = [
            f"add set {TABLE} {name} {{ type ipv4_addr; flags dynamic,timeout; timeout {seconds}s; }}"
            for name, seconds in self.new_sets.items()
        ]
        lines += _chain_lines(self.new_chains)
        lines += _element_lines("delete", self.removed)
        lines += _element_lines("add", self.added)
        # They are deleted later: kernels before 6.2 see only after a while that no element leads to a chain any more.
        lines += [f"flush chain {TABLE} {name}" for name in self.dropped_chains]
        lines += [f"delete set {TABLE} {name}" for name in self.dropped_sets]
        return "\n".join(lines) + "\n"


def sweep(state: State) -> str:
    """The transaction that deletes stale chains, some time after they were emptied; the state is as after it."""
    lines = [f"delete chain {TABLE} {name}" for name in sorted(state.stale)]
    state.stale.clear()
    return "\n".join(lines) + "\n" if lines else ""


def full(parts: Iterable[Elements], frame: Frame | None = None) -> tuple[str, State]:
    """The text that replaces whatever table there is by one with these elements, and the state after it.

    Of several parts that claim an element the first has it.
    """
    parts = list(parts)
    capacity = _FIRST_CAPACITY
    while any(count > capacity for part in parts for count in part.counts):
        capacity *= 2
    change = Change(State(capacity=capacity))
    for part in parts:
        change.replace(None, part)
    chains = [line for count in range(1, capacity + 1) for line in _count_chains(count)]
    return DELETE + (frame or Frame()).text() + "\n".join(chains) + "\n" + change.text(), change.state


def _chain_lines(chains: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Chains may refer to each other, so all are made before any is filled."""
    lines = [f"add chain {TABLE} {name}" for name in chains]
    for name, rules in chains.items():
        lines.append(f"flush chain {TABLE} {name}")
        lines += [f"add rule {TABLE} {name} {rule}" for rule in rules]
    return lines


def _count_chains(count: int) -> list[str]:
    """The chains for `count` endpoints: for addresses and node ports, each also with masquerade and of policy Local."""
    rules: dict[str, tuple[str, ...]] = {}
    for name, key, endpoints in (("lb", KEY, "service-endpoints"), ("np", NODEPORT_KEY, "node-port-endpoints")):
        pick = f"dnat ip to {key} . numgen random mod {count}"
        rules[f"{name}{count}"] = (f"{pick} map @{endpoints}",)
        rules[f"x{name}{count}"] = (MASQUERADE, f"{pick} map @{endpoints}")
        rules[f"l{name}{count}"] = (f"{pick} offset {LOCAL_OFFSET} map @{endpoints}",)
    return _chain_lines(rules)


def _element_lines(verb: str, items: Mapping[Element, str]) -> list[str]:
    grouped: dict[str, list[str]] = {}
    for (name, key), value in items.items():
        grouped.setdefault(name, []).append(f"{key} : {value}" if value else key)
    return [
        f"{verb} element {TABLE} {name} {{ {', '.join(texts[start : start + _BATCH])} }}"
        for name, texts in grouped.items()
        for start in range(0, len(texts), _BATCH)
    ]
