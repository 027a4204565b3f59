"""`pynetes up` for several hosts: from nothing to nodes that are ready; what is off comes on again."""

import asyncio
import gc
import importlib
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from pynetes.cli import kubeconfigs, preflight, processes, readiness, settings, storeurl, supervisor, up
from pynetes.cli.hosts import boot, commands, joining, machine, network, places, plan, power, ranges, record
from pynetes.cli.hosts.boot import Boot
from pynetes.cli.hosts.commands import Join
from pynetes.cli.hosts.plan import Host, HostError, Plan, Role
from pynetes.cli.layout import Layout
from pynetes.cli.preflight import Problem
from pynetes.cli.progress import Progress
from pynetes.cli.settings import Settings, SettingsError
from pynetes.cli.storeurl import StoreChoice
from pynetes.client import kubeconfig
from pynetes.component import certificates
from pynetes.component.pki import PKI

ROLE = "hosts"

_API_SECONDS = 60.0


def wanted(layout: Layout, masters: int | None, nodes: int | None) -> bool:
    """Whether `up` means a cluster of several hosts: one that is there, or one that is asked for."""
    return record.path(layout).exists() or masters not in (None, 1) or nodes not in (None, 1)


def up_hosts(
    layout: Layout, given: dict[str, Any], *, masters: int | None, nodes: int | None, kubeconfig_wanted: bool
) -> None:
    """Makes what is missing, boots what is off; the rest is left as it is."""
    progress = Progress()
    existing, store = record.load(layout), given.pop("store", None)
    with progress.step("Check the machine") as step:
        cidr = _range(given, existing)
        hosts = plan.grow(existing or Plan(cidr), masters=masters, nodes=nodes)
        choice = choose_store(layout, store, len(hosts.of("master")))
        chosen = check(layout, given | {"host_cidr": cidr, "store": choice.identity})
        ranges.check_pool(chosen.load_balancer_pool, hosts)
        if kubeconfig_wanted:
            _stop_on(kubeconfigs.check_user_file())
        step.result = f"{_number(hosts, 'master')}, {_number(hosts, 'node')}, {hosts.cidr}"
    with record.locked(layout):
        off = [host for host in hosts.hosts if power.state(layout, host.name) == "off"]
        if not off and supervisor.running_pid(layout.supervisor_pid) is not None:
            progress.say("The cluster is up already: nothing was changed. `pynetes node list` shows its hosts.")
            _merge(layout, progress, kubeconfig_wanted)
            return
        with progress.step("Link the hosts") as step:
            layout.make()
            chosen.save(layout.settings)
            storeurl.save(layout, choice)
            record.save(layout, hosts)
            network.prepare(hosts)
            step.result = f"{network.BRIDGE}, {hosts.gateway}"
        try:
            switch_on(layout, hosts, chosen, off, progress, store=store or "")
        except HostError as error:
            again = "`pynetes up` tries again, `pynetes down` ends what was started."
            raise HostError(f"{error}\n{again}") from None
    progress.say(f"Ready after {progress.elapsed:.1f} s.")
    _merge(layout, progress, kubeconfig_wanted)
    _say_next(hosts, progress)


def _range(given: dict[str, Any], existing: Plan | None) -> str:
    """Of the hosts' addresses."""
    cidr = given.get("host_cidr") or (existing.cidr if existing else plan.DEFAULT_RANGE)
    if existing and cidr != existing.cidr:
        raise HostError(f"this cluster's hosts are in {existing.cidr}; another range is free after `pynetes purge`")
    return str(ranges.parse(cidr))


def choose_store(layout: Layout, given: str | None, masters: int) -> StoreChoice:
    """What was given now or the first time; several masters have an etcd of their own unless told otherwise."""
    if given is None and masters > 1 and not layout.settings.exists():
        given = storeurl.ETCD
    choice = storeurl.chosen(layout, given)
    if masters > 1 and not choice.shared:
        raise HostError(
            f"{masters} masters cannot share {choice.identity}, a file that one API server has to itself: "
            "make a cluster with --store etcd: (the default for several masters) or a database of yours"
        )
    return choice


def check(layout: Layout, given: dict[str, Any]) -> Settings:
    """What to run on; UpError if it cannot be, before anything is made."""
    problems = [*preflight.check_root(), *preflight.check_kernel(), *preflight.check_disk(layout.data)]
    problems += preflight.check_programs(with_registry=bool(given.get("registry_port")))
    _stop_on([*problems, *(preflight.check_etcd() if given["store"] == storeurl.ETCD else ())])
    if given.get("node_name"):
        raise HostError("--node-name is for a cluster of one machine: hosts are called master-1, node-1 and so on")
    cidr = given["host_cidr"]
    address = given.get("node_ip") or _own_address(cidr)
    chosen = settings.choose(layout, given | {"role": ROLE, "node_ip": address})
    cluster_ranges = {"--cluster-cidr": chosen.cluster_cidr, "--service-cluster-ip-range": chosen.service_cidr}
    ranges.check(cidr, cluster_ranges, ranges.taken_on_machine(but=network.BRIDGE))
    if supervisor.running_pid(layout.supervisor_pid) is None:
        ports = [("the balancer before the API servers", "0.0.0.0", chosen.secure_port)]
        if chosen.registry_port:
            ports.append(("the image registry", "127.0.0.1", chosen.registry_port))
        _stop_on(preflight.check_ports(ports))
    return chosen


def _own_address(cidr: str) -> str:
    """The machine's, at which the user's kubectl finds the balancer; without any, that on the hosts' link."""
    try:
        return settings.default_node_ip()
    except SettingsError:
        return str(IPv4Network(cidr)[1])


def _stop_on(problems: list[Problem]) -> None:
    if problems:
        raise HostError("\n".join(str(problem) for problem in problems))


def switch_on(
    layout: Layout, hosts: Plan, chosen: Settings, off: Sequence[Host], progress: Progress, *, store: str = ""
) -> None:
    """Boots hosts, masters first, and returns when those that are nodes are ready; HostError.

    `store`: its URL, if it was given now: its password may be another one since.
    """
    masters, nodes = ([host for host in off if host.role == role] for role in ("master", "node"))
    known, new = in_turn(layout, hosts, masters)
    if known:
        with progress.step(f"Boot {_names(known)}") as step:
            _preload(layout, chosen, "master")
            if not _has_joined(layout, known[0]):
                store = storeurl.load(layout).url
            boots = [_boot(layout, hosts, chosen, host, store=store) for host in known]
            if nodes:
                _preload(layout, chosen, "node")
            boot.wait(boots, step.note)
            step.result = commands.server_url(known[0], chosen)
    if supervisor.running_pid(layout.supervisor_pid) is None:
        with progress.step("Balancer and registry" if chosen.registry_port else "Balancer") as step:
            _take_admin(layout, hosts, chosen)
            machine.start(layout, chosen)
            asyncio.run(_wait_for_api(layout, step.note))
            step.result = chosen.server
    for host in new:  # one by one: etcd takes in one new member at a time
        with progress.step(f"Boot {host.name}") as step:
            _preload(layout, chosen, "master")
            join = joining.as_master(layout, hosts, chosen)
            boot.wait([_boot(layout, hosts, chosen, host, join)], step.note)
            step.result = commands.server_url(host, chosen)
    if nodes:
        with progress.step(f"Boot {_names(nodes)}") as step:
            _preload(layout, chosen, "node")
            fresh = not all(_has_joined(layout, host) for host in nodes)
            token = joining.as_node(layout, hosts, chosen, step.note) if fresh else None
            boot.wait([_boot(layout, hosts, chosen, host, token) for host in nodes], step.note)
            step.result = "Ready"


def _number(hosts: Plan, role: Role) -> str:
    count = len(hosts.of(role))
    return f"{count} {role}{'s' if count > 1 else ''}"


def _names(hosts: Iterable[Host]) -> str:
    return ", ".join(host.name for host in hosts)


def in_turn(layout: Layout, hosts: Plan, masters: Sequence[Host]) -> tuple[list[Host], list[Host]]:
    """Those that boot by themselves (together, as a store of theirs may need most of them), and those that then join.

    In a new cluster the first one makes it.
    """
    known = [host for host in masters if _has_joined(layout, host)]
    if not any(_has_joined(layout, host) for host in hosts.of("master")):
        known = list(masters[:1])
    return known, [host for host in masters if host not in known]


def _boot(
    layout: Layout, hosts: Plan, chosen: Settings, host: Host, join: Join | None = None, *, store: str = ""
) -> Boot:
    own = places.of(layout, host.name)
    power.forget_pods(chosen.cgroup_root, host)
    machine.offer_registry(own, hosts, chosen)
    needed = None if _has_joined(layout, host) else join
    return boot.boot(layout, hosts, host, commands.arguments(host, chosen, needed, store))


def _has_joined(layout: Layout, host: Host) -> bool:
    return places.of(layout, host.name).layout.settings.exists()


def _preload(layout: Layout, chosen: Settings, role: Role) -> None:
    """Imports what the hosts' processes need, once for all of them."""
    there = replace(chosen, role="server" if role == "master" else "agent", registry_port=0)
    for process in processes.processes(layout, there):
        for module in process.modules:
            importlib.import_module(module)
    gc.collect()
    gc.freeze()  # as the supervisor does: what was loaded stays shared


def _take_admin(layout: Layout, hosts: Plan, chosen: Settings) -> None:
    """The CA and the administrator's kubeconfig from a master, for use on the machine."""
    first = places.of(layout, hosts.of("master")[0].name)
    own = first.layout
    if not own.kubeconfig("admin").exists():
        raise HostError(f"{hosts.of('master')[0].name} has not got so far that it has keys: see {first.console}")
    authority = PKI(own.pki).ca.certificate.read_bytes()
    certificates.write_file(PKI(layout.pki).ca.certificate, authority, mode=0o644)
    config = replace(kubeconfig.load(own.kubeconfig("admin")), server=chosen.server)
    user = f"{kubeconfigs.CONTEXT}-admin"
    kubeconfig.write(layout.kubeconfig("admin"), kubeconfig.document(kubeconfigs.CONTEXT, config, user=user))


async def _wait_for_api(layout: Layout, note: Callable[[str], Any]) -> None:
    client = kubeconfig.client_from_kubeconfig(layout.kubeconfig("admin"), "pynetes-up")
    try:
        await readiness.wait_until(lambda: readiness.api_is_ready(client), seconds=_API_SECONDS, note=note)
    except readiness.NotReady as error:
        last = "\n".join(boot.last_lines(_log(layout), 3))
        raise HostError(f"the balancer leads to no API server: {error}\n{last}\nThe log is {_log(layout)}.") from None
    finally:
        await client.close()


def _log(layout: Layout) -> Path:
    return layout.logs / "balancer.log"


def _merge(layout: Layout, progress: Progress, kubeconfig_wanted: bool) -> None:
    if kubeconfig_wanted:
        up.merge(layout, progress)


def _say_next(hosts: Plan, progress: Progress) -> None:
    first = hosts.of("node")[0]
    progress.say()
    progress.say("Try next:")
    progress.say("  kubectl get nodes,pods -A -o wide")
    progress.say("  kubectl apply -f examples/guestbook && kubectl rollout status deployment/frontend")
    progress.say(f"  curl -d text=hello http://{first.address}:30080/entries")
    progress.say(f"  pynetes node stop {first.name}        pynetes node start {first.name}        pynetes node list")
    progress.say("  pynetes status        pynetes down        pynetes purge")
