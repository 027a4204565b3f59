"""The processes of this machine, as its supervisor runs them."""

from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from pynetes.cli import cluster, components, etcd, storeurl
from pynetes.cli.layout import Layout
from pynetes.cli.running import run_component
from pynetes.cli.settings import Settings
from pynetes.cli.supervisor import Process
from pynetes.kubelet.containerd import Containerd

_Running = Coroutine[Any, Any, None]

#: Processes of the control plane; the others are a node's, but for the two with which a control plane without a node
#: reaches Services (`proxy`) and pods (`reach`).
CONTROL_PLANE = frozenset(
    ("etcd", "etcd-keeper", "apiserver", "controller-manager", "scheduler", "cloud-controller-manager")
)


def processes(layout: Layout, settings: Settings) -> list[Process]:
    """Those of the machine's role, in the order they start; they stop in reverse."""
    return [process for process in _all(layout, settings) if _is_wanted(process.name, settings)]


def _is_wanted(name: str, settings: Settings) -> bool:
    if name == "proxy":
        return True  # an API server reaches Services, too: webhooks, and what it relays to
    if name == "reach":
        return not settings.runs_node
    return settings.runs_control_plane if name in CONTROL_PLANE else settings.runs_node


def _all(layout: Layout, settings: Settings) -> list[Process]:
    mains = _Mains(layout, settings)
    made = _Made(layout, settings)
    if settings.store == storeurl.ETCD:
        member = etcd.member_config(layout, settings)
        made.add(Process("etcd", made.log("etcd"), main=partial(_etcd, member)))
        made.python("etcd-keeper", "pynetes.cli.etcdmember", lambda: components.etcd_keeper(member))
    made.python("apiserver", "pynetes.apiserver.server", mains.apiserver, stop_seconds=20.0)
    containerd = Containerd(cluster.containerd_config(layout))
    made.command("containerd", "containerd", "--config", str(containerd.config_file))
    made.python("kubelet", "pynetes.kubelet.kubelet", mains.kubelet)
    made.python("controller-manager", "pynetes.controllers.manager", mains.controller_manager)
    made.python("scheduler", "pynetes.scheduler.scheduler", mains.scheduler)
    made.python("proxy", "pynetes.proxy.proxier", mains.proxy)
    made.python("network", "pynetes.network.agent", mains.network)
    made.python("reach", "pynetes.network.reach", mains.reach)
    if settings.load_balancer_pool:
        made.python("cloud-controller-manager", "pynetes.cloud.manager", mains.cloud_controller_manager)
        made.python("announcer", "pynetes.cloud.providers.local.announcer", mains.announcer)
    if settings.registry_port:
        made.command("registry", "docker-registry", "serve", str(cluster.registry_file(layout)))
    return made.processes


def _etcd(member: etcd.MemberConfig) -> None:
    """Decides how the member starts whenever it does, and becomes it."""
    from pynetes.cli import etcdmember

    etcdmember.run(member)


class _Made:
    """A list of processes that grows."""

    def __init__(self, layout: Layout, settings: Settings) -> None:
        self._layout, self._settings = layout, settings
        self.processes: list[Process] = []

    def log(self, name: str) -> Path:
        return self._layout.logs / f"{name}.log"

    def add(self, process: Process) -> None:
        self.processes.append(process)

    def command(self, name: str, *command: str) -> None:
        self.add(Process(name, self.log(name), command=command))

    def python(self, name: str, module: str, main: Callable[[], _Running], *, stop_seconds: float = 10.0) -> None:
        """`main` runs in a fork; `module`, which takes its time to import, is imported before."""
        run = partial(run_component, main, verbosity=self._settings.verbosity)
        self.add(Process(name, self.log(name), main=run, modules=(module,), stop_seconds=stop_seconds))


class _Mains:
    """What each Python process runs. Configurations are made when it starts, so that they are as of then."""

    def __init__(self, layout: Layout, settings: Settings) -> None:
        self._layout, self._settings = layout, settings
        self._kubeconfig = layout.kubeconfig

    def apiserver(self) -> _Running:
        return components.apiserver(cluster.apiserver_config(self._layout, self._settings))

    def controller_manager(self) -> _Running:
        config = cluster.controller_manager_config(self._layout, self._settings)
        served = cluster.serving(self._layout, "controller-manager", self._settings.controller_manager_port)
        user = self._kubeconfig("controller-manager")
        return components.controller_manager(user, config, served, host=self._settings.node_name)

    def scheduler(self) -> _Running:
        served = cluster.serving(self._layout, "scheduler", self._settings.scheduler_port)
        return components.scheduler(self._kubeconfig("scheduler"), served=served, host=self._settings.node_name)

    def cloud_controller_manager(self) -> _Running:
        from pynetes.cloud.config import CloudControllerManagerConfig

        config, port = CloudControllerManagerConfig(), self._settings.cloud_controller_manager_port
        served = cluster.serving(self._layout, "cloud-controller-manager", port)
        user = self._kubeconfig("cloud-controller-manager")
        name = self._settings.node_name
        return components.cloud_controller_manager(user, "local", "", config, served, host=name)

    def kubelet(self) -> _Running:
        config = cluster.kubelet_config(self._layout, self._settings)
        return components.kubelet(self._kubeconfig("kubelet"), config, cluster.containerd_config(self._layout))

    def proxy(self) -> _Running:
        from pynetes.proxy.config import ProxyConfig

        config = ProxyConfig(self._settings.node_name, self._settings.cluster_cidr)
        return components.proxy(self._kubeconfig("kube-proxy"), config)

    def network(self) -> _Running:
        return components.network(self._kubeconfig("network"), cluster.network_config(self._layout, self._settings))

    def reach(self) -> _Running:
        return components.reach(self._kubeconfig("network"))

    def announcer(self) -> _Running:
        from pynetes.cloud.providers.local.announcer import AnnouncerConfig

        config = AnnouncerConfig(self._settings.node_name, self._settings.node_ip)
        return components.announcer(self._kubeconfig("network"), config)
