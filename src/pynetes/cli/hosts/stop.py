"""`pynetes down` for a cluster of several hosts: all off, and nothing left on the machine but their disks."""

from collections.abc import Iterable

from pynetes.cli.hosts import network, power, record
from pynetes.cli.hosts.plan import HostError
from pynetes.cli.layout import Layout


def shut_down_all(layout: Layout) -> list[str]:
    """Nodes first, then masters, so that nodes say what they have to; the names of those that were on."""
    on = [name for name in _all_names(layout) if power.init_pid(layout, name) is not None]
    masters = {name for name in on if name.startswith("master-")}
    for group in (set(on) - masters, masters):
        power.shut_down(layout, sorted(group))
    return on


def remove_link() -> None:
    network.remove()


def _all_names(layout: Layout) -> Iterable[str]:
    """Those in the record and those that have been on: a cluster must go whose files are damaged."""
    try:
        plan = record.load(layout)
    except HostError:
        plan = None
    named = [host.name for host in plan.hosts] if plan else []
    return dict.fromkeys([*named, *power.hosts_with_files(layout)])
