"""`pynetes down` and `pynetes purge`: away with everything `up` made."""

import shutil
from pathlib import Path

from pynetes.cli import cleanup, kubeconfigs, settings, up
from pynetes.cli.layout import Layout
from pynetes.cli.progress import Progress
from pynetes.component import clock

_SUPERVISOR_SECONDS = 60.0


def down(layout: Layout) -> None:
    """Ends processes and pods, removes network, cgroups and runtime files. What is on disk stays."""
    progress = Progress()
    cluster = settings.load(layout)
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
        if cluster is not None:
            cleanup.remove_cgroups(cluster.cgroup_root)
    shutil.rmtree(layout.run, ignore_errors=True)
    removed = kubeconfigs.remove_from_user_file(layout)
    if removed is not None:
        progress.say(f"The context {kubeconfigs.CONTEXT} is no longer in {removed}.")
    if layout.data.exists():
        progress.say(
            f"The cluster's state stays in {layout.data}: `pynetes up` brings it back, `pynetes purge` removes it."
        )


def purge(layout: Layout) -> None:
    """`down`, and the state on disk."""
    down(layout)
    progress = Progress()
    with progress.step(f"Remove {layout.data}"):
        shutil.rmtree(layout.data, ignore_errors=True)


def _wait_for_end(pid: int) -> bool:
    deadline = clock.monotonic() + _SUPERVISOR_SECONDS
    while Path(f"/proc/{pid}").exists():
        if clock.monotonic() > deadline:
            return False
        clock.sleep_blocking(0.05)
    return True
