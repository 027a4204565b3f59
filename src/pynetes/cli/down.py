"""`pynetes down` and `pynetes purge`: away with everything `up` made."""

import asyncio
import shutil

from pynetes.cli import cleanup, kubeconfigs, settings, storeurl, supervisor, up
from pynetes.cli.hosts import power
from pynetes.cli.hosts import stop as hosts
from pynetes.cli.layout import Layout
from pynetes.cli.progress import Progress
from pynetes.cli.settings import Settings, SettingsError
from pynetes.client.kubeconfig import ConfigError
from pynetes.component import clock

_SUPERVISOR_SECONDS = 60.0


def down(layout: Layout) -> None:
    """Ends processes and pods, removes network, cgroups and runtime files. What is on disk stays."""
    progress = Progress()
    _down(layout, progress)
    if layout.data.exists():
        again = f"`pynetes {_command(layout)}` brings it back, `pynetes purge` removes it."
        progress.say(f"The state stays in {layout.data}: {again}")


def _command(layout: Layout) -> str:
    """What starts this machine's part of its cluster."""
    cluster, _ = _settings(layout)
    return cluster.role if cluster is not None and cluster.role in ("server", "agent") else "up"


def purge(layout: Layout) -> None:
    """`down`, and the state on disk. A control plane of several leaves them first: they need not wait for its votes."""
    progress = Progress()
    _leave_etcd(layout, progress)
    _down(layout, progress)
    with progress.step(f"Remove {layout.data}"):
        shutil.rmtree(layout.data, ignore_errors=True)


def _leave_etcd(layout: Layout, progress: Progress) -> None:
    cluster, _ = _settings(layout)
    if cluster is None or cluster.store != storeurl.ETCD or not cluster.runs_control_plane:
        return
    from pynetes.cli import etcd, etcdmember
    from pynetes.storage import StoreUnavailable

    try:
        left = asyncio.run(etcdmember.leave(etcd.member_config(layout, cluster)))
    except (StoreUnavailable, etcd.EtcdError) as error:
        progress.say(f"The etcd member of this machine is still one of the cluster's: {error}.")
        progress.say(
            f"If the cluster lives on elsewhere, `pynetes member remove {cluster.node_name}` there takes it out."
        )
        return
    if left:
        progress.say("The etcd member of this machine has left the cluster.")


def _down(layout: Layout, progress: Progress) -> None:
    cluster, damage = _settings(layout)
    has_hosts = any((root / "hosts").exists() for root in (layout.data, layout.run))
    if has_hosts:
        with progress.step("Shut the hosts down") as step:
            step.result = ", ".join(hosts.shut_down_all(layout)) or "none was on"
    with progress.step("Stop the processes") as step:
        pid = up.stop_supervisor(layout)
        if pid is None:
            step.result = "none ran"
        elif not _wait_for_end(pid):
            raise up.UpError(f"the supervisor (pid {pid}) has not ended; see {layout.logs / 'supervisor.log'}")
    with progress.step("End the pods") as step:
        step.result = f"{cleanup.remove_containers(layout)}"
    with progress.step("Remove network and cgroups"):
        cleanup.remove_network(layout)
        if has_hosts:
            hosts.remove_link()
        if cluster is not None:
            cleanup.remove_cgroups(cluster.cgroup_root)
    shutil.rmtree(layout.run, ignore_errors=True)
    joined = cluster is not None and not cluster.has_admin  # the user's context is another machine's
    if not joined:
        _remove_context(layout, progress)
    if damage and cluster is None:
        progress.say(f"{damage}.")
        progress.say("It names the pods' cgroups, too: what is left of them stays until the machine starts anew.")


def _remove_context(layout: Layout, progress: Progress) -> None:
    try:
        removed = kubeconfigs.remove_from_user_file(layout)
    except ConfigError as error:
        progress.say(f"Whether the context {kubeconfigs.CONTEXT} is in your kubeconfig is not known: {error}.")
        return
    if removed is not None:
        progress.say(f"The context {kubeconfigs.CONTEXT} is no longer in {removed}.")


def _settings(layout: Layout) -> tuple[Settings | None, str]:
    """The cluster's settings, and what is wrong with those on disk: a cluster must go whose files are damaged."""
    try:
        return settings.load(layout), ""
    except SettingsError as error:
        return settings.of_running(layout), str(error)


def _wait_for_end(pid: int) -> bool:
    started = power.start_of(pid) if supervisor.is_supervisor(pid) else ""
    deadline = clock.monotonic() + _SUPERVISOR_SECONDS
    while started and power.start_of(pid) == started:  # it loses its title before its files and namespaces
        if clock.monotonic() > deadline:
            return False
        clock.sleep_blocking(0.05)
    return True
