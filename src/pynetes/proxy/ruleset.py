"""The nftables table: its fixed frame, and the text of a transaction from one state to another. Pure.

All services stand in two named maps: (address, protocol, port) → the chain for that many endpoints, and (address,
protocol, port, index) → endpoint. There is one chain for each endpoint *count*, so a change of endpoints only adds
and deletes map elements: anonymous maps, as one chain a service would need, cost the kernel quadratic time.

The chains of all counts up to a capacity are made with the table: libnftables 1.0.6 refuses a rule on a map with a
`th dport` value once that map is in the kernel. A count beyond the capacity replaces the whole table, with twice as
many.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pynetes.proxy.elements import SHARED, Element, Elements

TABLE = "ip pynetes-proxy"
MASQUERADE_MARK = "0x4000"

_KEY = "ip daddr . meta l4proto . th dport"
_NODEPORT_KEY = "meta l4proto . th dport"

FRAME = f"""
table {TABLE} {{
  map service-ips {{ type ipv4_addr . inet_proto . inet_service : verdict; }}
  map service-endpoints {{ typeof {_KEY} . numgen random mod 2 : ip daddr . th dport; }}
  map node-ports {{ type inet_proto . inet_service : verdict; }}
  map node-port-endpoints {{ typeof {_NODEPORT_KEY} . numgen random mod 2 : ip daddr . th dport; }}
  map no-endpoint-services {{ type ipv4_addr . inet_proto . inet_service : verdict; }}
  map no-endpoint-node-ports {{ type inet_proto . inet_service : verdict; }}
  set cluster-ips {{ type ipv4_addr; }}
  set hairpin-connections {{ type ipv4_addr . ipv4_addr; }}

  chain reject-chain {{ reject with icmp type port-unreachable; }}
  chain services {{
    {_KEY} vmap @service-ips
    fib daddr type local ip daddr != 127.0.0.0/8 {_NODEPORT_KEY} vmap @node-ports
  }}
  chain refusals {{
    {_KEY} vmap @no-endpoint-services
    fib daddr type local ip daddr != 127.0.0.0/8 {_NODEPORT_KEY} vmap @no-endpoint-node-ports
    ip daddr @cluster-ips goto reject-chain
  }}
  chain nat-prerouting {{ type nat hook prerouting priority dstnat; policy accept; jump services; }}
  chain nat-output {{ type nat hook output priority -100; policy accept; jump services; }}
  chain nat-postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    meta mark and {MASQUERADE_MARK} != 0 meta mark set meta mark xor {MASQUERADE_MARK} masquerade fully-random
    ct status dnat ip saddr . ip daddr @hairpin-connections masquerade fully-random
  }}
  chain filter-input {{ type filter hook input priority -110; policy accept; ct state new jump refusals; }}
  chain filter-forward {{ type filter hook forward priority -110; policy accept; ct state new jump refusals; }}
  chain filter-output {{ type filter hook output priority -90; policy accept; ct state new jump refusals; }}
}}
"""

DELETE = f"add table {TABLE}\ndelete table {TABLE}\n"

_FIRST_CAPACITY = 32

#: Elements in one `add element` line: long lines are parsed fast, but not without bound.
_BATCH = 1000


@dataclass(slots=True)
class State:
    """What the kernel holds besides the frame. It is kept here and never listed back: listing is slow."""

    items: dict[Element, str] = field(default_factory=dict)
    shared: Counter[Element] = field(default_factory=Counter)
    chains: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sets: dict[str, int] = field(default_factory=dict)
    capacity: int = 0  # there are chains for so many endpoints


@dataclass(slots=True)
class Change:
    """A transaction under construction, from `State` to the state after it."""

    state: State
    removed: dict[Element, str] = field(default_factory=dict)
    added: dict[Element, str] = field(default_factory=dict)
    dropped_chains: list[str] = field(default_factory=list)
    new_chains: dict[str, tuple[str, ...]] = field(default_factory=dict)
    dropped_sets: list[str] = field(default_factory=list)
    new_sets: dict[str, int] = field(default_factory=dict)
    #: the change needs chains that are not there: only `full` can make them
    beyond_capacity: bool = False

    def replace(self, old: Elements | None, new: Elements | None) -> None:
        """One port's contribution changes from `old` to `new` (None: it has none)."""
        before, after = old or Elements(), new or Elements()
        self._replace_items(before.items, after.items)
        for name in before.chains.keys() - after.chains.keys():
            del self.state.chains[name]
            self.dropped_chains.append(name)
        for name, rules in after.chains.items():
            if self.state.chains.get(name) != rules:
                self.new_chains[name] = self.state.chains[name] = rules
        for name in before.affinity_sets.keys() - after.affinity_sets.keys():
            del self.state.sets[name]
            self.dropped_sets.append(name)
        for name, seconds in after.affinity_sets.items():
            if name not in self.state.sets:
                self.new_sets[name] = self.state.sets[name] = seconds
        self.beyond_capacity |= any(count > self.state.capacity for count in after.counts)

    def _replace_items(self, before: Mapping[Element, str], after: Mapping[Element, str]) -> None:
        for element, value in before.items():
            if after.get(element) == value:
                continue
            if element[0] in SHARED:
                self._release(element)
            elif self.state.items.get(element) == value:
                self._remove(element)
        for element, value in after.items():
            if before.get(element) == value:
                continue
            if element[0] in SHARED:
                self._hold(element)
            elif self.state.items.get(element) != value:
                self._remove(element)
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
        # a dropped sticky chain refers to the chains of its endpoints: empty all before deleting any
        lines += [f"flush chain {TABLE} {name}" for name in self.dropped_chains]
        lines += [f"delete chain {TABLE} {name}" for name in self.dropped_chains]
        lines += [f"delete set {TABLE} {name}" for name in self.dropped_sets]
        return "\n".join(lines) + "\n"


def full(parts: Iterable[Elements]) -> tuple[str, State]:
    """The text that replaces whatever table there is by one with these elements, and the state after it."""
    parts = list(parts)
    capacity = _FIRST_CAPACITY
    while any(count > capacity for part in parts for count in part.counts):
        capacity *= 2
    change = Change(State(capacity=capacity))
    for part in parts:
        change.replace(None, part)
    chains = [line for count in range(1, capacity + 1) for line in _count_chains(count)]
    return DELETE + FRAME + "\n".join(chains) + "\n" + change.text(), change.state


def _chain_lines(chains: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Chains may refer to each other, so all are made before any is filled."""
    lines = [f"add chain {TABLE} {name}" for name in chains]
    for name, rules in chains.items():
        lines.append(f"flush chain {TABLE} {name}")
        lines += [f"add rule {TABLE} {name} {rule}" for rule in rules]
    return lines


def _count_chains(count: int) -> list[str]:
    """The chains for `count` endpoints: for addresses and node ports, each with and without masquerade."""
    pick = f"numgen random mod {count}"
    address = f"dnat ip to {_KEY} . {pick} map @service-endpoints"
    node_port = f"dnat ip to {_NODEPORT_KEY} . {pick} map @node-port-endpoints"
    mark = f"meta mark set meta mark or {MASQUERADE_MARK}"
    rules = {
        f"lb{count}": (address,),
        f"xlb{count}": (mark, address),
        f"np{count}": (node_port,),
        f"xnp{count}": (mark, node_port),
    }
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
