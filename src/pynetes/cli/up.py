"""`pynetes up` and `pynetes server`: a cluster on this machine, from nothing to ready."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from pynetes.cli import (
    addons,
    cloud,
    cluster,
    etcd,
    kubeconfigs,
    mountns,
    preflight,
    processes,
    readiness,
    storeurl,
    supervisor,
)
from pynetes.cli.layout import Layout
from pynetes.cli.preflight import Problem
from pynetes.cli.progress import Progress
from pynetes.cli.settings import Settings, check_fixed, check_role, choose, of_running
from pynetes.client import kubeconfig
from pynetes.client.rest import Client
from pynetes.component import logs
from pynetes.component.certificates import CertificateFileError
from pynetes.component.pki import PKI
from pynetes.kubelet import machine

if TYPE_CHECKING:
    from pynetes.cli.controlplane import Bundle

API_SECONDS, ETCD_SECONDS, NODE_SECONDS, DNS_SECONDS, POOL_SECONDS = 60.0, 60.0, 120.0, 60.0, 30.0
#: A process that was restarted so often within one start will not live.
HOPELESS_AFTER = 4


class UpError(Exception):
    """The cluster was not started; the message says why and what to do."""


def up(
    layout: Layout,
    given: dict[str, Any],
    *,
    kubeconfig_wanted: bool = True,
    bundle: "Bundle | None" = None,
    progress: Progress | None = None,
) -> None:
    """Starts the cluster unless it runs; returns when its node is ready and its DNS answers.

    With the role `server`, only the control plane: nodes are other machines. `bundle` makes it a further control plane
    of the cluster that gave it.
    """
    given.setdefault("role", "all")
    progress = progress or Progress()
    store = given.pop("store", None)
    if supervisor.running_pid(layout.supervisor_pid) is not None:
        check_running(layout, given["role"], store)
        _already_up(layout, progress, kubeconfig_wanted)
        return
    with progress.step("Check the machine") as step:
        choice = bundle.store if bundle else storeurl.chosen(layout, store)
        settings = check(layout, given | {"store": choice.identity})
        if bundle:
            bundle.check(settings)
        storeurl.check(choice)
        if kubeconfig_wanted:
            _stop_on(kubeconfigs.check_user_file())
        step.result = f"node {settings.node_name}, {settings.node_ip}"
    with progress.step("Certificates, keys and configuration") as step:
        layout.make()
        if bundle:
            bundle.write(layout)
        storeurl.save(layout, choice)
        _write_files(layout, settings)
        step.result = str(layout.data)
    with progress.step("Start the processes") as step:
        start(layout, settings)
    try:
        asyncio.run(_wait(layout, settings, progress))
    except readiness.NotReady as error:
        raise UpError(f"{error}\nThe logs are in {layout.logs}. `pynetes down` ends what was started.") from None
    _finish(layout, settings, progress, kubeconfig_wanted)


def check_running(layout: Layout, role: str, store: str | None) -> None:
    """SettingsError if what runs is not what is asked for."""
    running = of_running(layout)
    check_role(running, role)
    if running is not None and store is not None:
        check_fixed(running, {"store": storeurl.parse(store).identity})


def check(layout: Layout, given: dict[str, Any]) -> Settings:
    """The settings to start with; UpError if the machine lacks what its role needs."""
    problems = [*preflight.check_root(), *preflight.check_kernel()]
    problems += preflight.check_socket_path(layout.containerd_socket)
    problems += preflight.check_disk(layout.data)
    with_registry = bool(given.get("registry_port"))
    problems += preflight.check_programs(with_node=given["role"] != "server", with_registry=with_registry)
    if given.get("store") == storeurl.ETCD:
        problems += preflight.check_etcd()
    _stop_on(problems)
    settings = choose(layout, given)
    ports = []
    if settings.runs_control_plane:
        ports.append(("the API server", "0.0.0.0", settings.secure_port))
        ports.append(("the controller manager", "127.0.0.1", settings.controller_manager_port))
        ports.append(("the scheduler", "127.0.0.1", settings.scheduler_port))
        if settings.load_balancer_pool:
            port = settings.cloud_controller_manager_port
            ports.append(("the cloud controller manager", "127.0.0.1", port))
    if settings.runs_control_plane and settings.store == storeurl.ETCD:
        ports += [("etcd", settings.node_ip, port) for port in (etcd.CLIENT_PORT, etcd.PEER_PORT)]
    if settings.runs_node:
        ports.append(("the kubelet", "0.0.0.0", settings.kubelet_port))
        ports.append(("the DNS server", settings.node_ip, settings.dns_port))
    if settings.registry_port:
        ports.append(("the image registry", "127.0.0.1", settings.registry_port))
    _stop_on(preflight.check_ports(ports))
    return settings


def _stop_on(problems: list[Problem]) -> None:
    if problems:
        raise UpError("\n".join(str(problem) for problem in problems))


def _write_files(layout: Layout, settings: Settings) -> None:
    settings.save(layout.settings)
    try:
        pki = cluster.ensure_pki(layout, settings)
    except CertificateFileError as error:
        hint = "restore the file, or begin with a new cluster after `pynetes purge`"
        raise UpError(f"{error}: {hint}") from None
    kubeconfigs.write_all(layout, settings, pki)
    cluster.prepare_blocking(layout, settings)


def start(layout: Layout, settings: Settings) -> None:
    def supervise() -> None:
        logs.configure()
        mountns.enter(layout)
        supervised = processes.processes(layout, settings)
        supervisor.Supervisor(supervised, layout.supervisor_state, asdict(settings)).run()

    supervisor.daemonize(supervise, log_file=layout.logs / "supervisor.log", pid_file=layout.supervisor_pid)


async def _wait(layout: Layout, settings: Settings, progress: Progress) -> None:
    async with contextlib.AsyncExitStack() as stack:
        client = kubeconfig.client_from_kubeconfig(layout.kubeconfig("admin"), "pynetes-up")
        stack.push_async_callback(client.close)
        with progress.step("API server") as step:
            check = lambda: _alive(layout, lambda: readiness.api_is_ready(client))  # noqa: E731
            await readiness.wait_until(check, seconds=API_SECONDS, note=step.note)
            step.result = settings.server
        if settings.store == storeurl.ETCD:
            await _wait_for_member(layout, settings, progress)
        await cloud.install_rights(client, settings)
        await addons.install(client, settings, PKI(layout.pki).ca.certificate.read_bytes())
        if settings.runs_node:
            await wait_for_node(layout, settings, client, progress)
        if settings.load_balancer_pool:
            await _wait_for_pool(layout, settings, client, progress)


async def _wait_for_member(layout: Layout, settings: Settings, progress: Progress) -> None:
    with progress.step("etcd member") as step:
        config = etcd.member_config(layout, settings)
        check = lambda: _alive(layout, lambda: readiness.etcd_votes(config))  # noqa: E731
        await readiness.wait_until(check, seconds=ETCD_SECONDS, note=step.note)
        step.result = config.client


async def _wait_for_pool(layout: Layout, settings: Settings, client: Client, progress: Progress) -> None:
    """A manager of an older version may lead for now: the cluster is up all the same."""

    async def check() -> str:
        return await _alive(layout, lambda: cloud.ensure_pool(client, settings))

    with progress.step("Load balancers") as step:
        try:
            await readiness.wait_until(check, seconds=POOL_SECONDS, note=step.note)
            step.result = settings.load_balancer_pool
        except readiness.NotReady:
            problem = await check()  # a process that cannot live ends the start here, too
            step.result = f"no pool yet, the next start tries again: {problem}"


async def wait_for_node(layout: Layout, settings: Settings, client: Client, progress: Progress) -> None:
    """Until this machine's node is ready and resolves the cluster's names; NotReady."""
    with progress.step("Node") as step:
        name, boot_id = settings.node_name, machine.identity()["bootID"]
        check = lambda: _alive(layout, lambda: readiness.node_is_ready(client, name, boot_id))  # noqa: E731
        await readiness.wait_until(check, seconds=NODE_SECONDS, note=step.note)
        step.result = "Ready"
    with progress.step("Cluster DNS") as step:
        check = lambda: _alive(layout, lambda: readiness.dns_answers(settings))  # noqa: E731
        await readiness.wait_until(check, seconds=DNS_SECONDS, note=step.note)
        step.result = settings.dns_ip


async def _alive(layout: Layout, check: Callable[[], Awaitable[str]]) -> str:
    """What the check says; a process that cannot live, or a supervisor that is gone, ends the wait."""
    if supervisor.running_pid(layout.supervisor_pid) is None:
        raise readiness.NotReady(f"the supervisor has ended:\n{_last_lines(layout.logs / 'supervisor.log')}")
    for name, process in supervisor.read_state(layout.supervisor_state).items():
        if process["restarts"] >= HOPELESS_AFTER:
            last = _last_lines(Path(process["log"]), 1)
            raise readiness.NotReady(f"{name} ends whenever it starts ({process['lastExit']}):\n{last}")
    return await check()


def _last_lines(path: Path, number: int = 8) -> str:
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-number:])
    except OSError:
        return ""


def _already_up(layout: Layout, progress: Progress, kubeconfig_wanted: bool) -> None:
    progress.say("The cluster is up already: nothing was changed. `pynetes status` shows it.")
    if kubeconfig_wanted:
        merge(layout, progress)


def merge(layout: Layout, progress: Progress) -> None:
    path, changed = kubeconfigs.merge_into_user_file(layout)
    if changed:
        progress.say(f"The context [bold]{kubeconfigs.CONTEXT}[/bold] is in {path}, and current.")


def _finish(layout: Layout, settings: Settings, progress: Progress, kubeconfig_wanted: bool) -> None:
    progress.say(f"Ready after {progress.elapsed:.1f} s.")
    if kubeconfig_wanted:
        merge(layout, progress)
    progress.say()
    if not settings.runs_node:
        return
    progress.say("Try next:")
    progress.say("  kubectl get nodes,pods -A -o wide")
    progress.say("  kubectl apply -f examples/guestbook && kubectl rollout status deployment/frontend")
    progress.say(f"  curl -d text=hello http://{settings.node_ip}:30080/entries")
    progress.say("  pynetes status        pynetes down        pynetes purge")


def stop_supervisor(layout: Layout) -> int | None:
    """Asks the supervisor to stop; its pid, None if there is none."""
    pid = supervisor.running_pid(layout.supervisor_pid)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
            os.kill(pid, signal.SIGTERM)
    return pid
