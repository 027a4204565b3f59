"""Commands of a control plane's machine, given on the machine whose hosts the control planes are."""

from pathlib import Path

from pynetes.cli import settings, store, storeurl
from pynetes.cli.hosts import joining, places, power, record
from pynetes.cli.hosts.plan import HostError, Plan
from pynetes.cli.layout import Layout


def control_plane(layout: Layout) -> Layout:
    """The files of a control plane: this machine's own, or those of a master among its hosts that is on. HostError."""
    plan = record.load(layout)
    if plan is None:
        return layout
    return places.of(layout, joining.running_master(layout, plan).name).layout


def snapshot(layout: Layout, file: Path, url: str | None) -> None:
    """As `store.snapshot`."""
    plan = record.load(layout)
    if plan is None or url is not None:
        store.snapshot(layout, file, url)
    else:
        store.snapshot(control_plane(layout), file, None, runs=True)


def restore(layout: Layout, file: Path, url: str | None, *, overwrite: bool, switch: bool, bump: int) -> None:
    """As `store.restore`. An etcd of our own listens on its master's address, which is there while that is on only."""
    plan = record.load(layout)
    there = layout
    if plan is not None and url is None:
        there = _restorable(layout, plan)
    store.restore(there, file, url, overwrite=overwrite, switch=switch, bump=bump)


def _restorable(layout: Layout, plan: Plan) -> Layout:
    running = [host.name for host in plan.hosts if power.state(layout, host.name) != "off"]
    if running:
        raise HostError(f"{', '.join(running)} run: stop the cluster with `pynetes down` first")
    there = places.of(layout, plan.of("master")[0].name).layout
    chosen = settings.load(there)
    if chosen is None or chosen.store == storeurl.ETCD:
        raise HostError(
            "the etcd of a cluster of hosts is not restored in place: restore to a store of yours with --store, "
            "or, on separate machines, on the first control plane's"
        )
    return there
