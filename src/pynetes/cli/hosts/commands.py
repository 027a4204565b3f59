"""What a host runs when it boots: the command that its user would type on a machine of its own. Pure."""

from msgspec import Struct

from pynetes.cli.hosts.plan import Host
from pynetes.cli.settings import Settings


class Join(Struct, frozen=True):
    """How a host finds its cluster the first time; `certificate_key`: as a further master."""

    server: str
    token: str
    hashes: tuple[str, ...]
    certificate_key: str = ""

    def flags(self) -> list[str]:
        pins = [flag for each in self.hashes for flag in ("--discovery-token-ca-cert-hash", each)]
        key = ["--certificate-key", self.certificate_key] if self.certificate_key else []
        return ["--server", self.server, "--token", self.token, *pins, *key]


def arguments(host: Host, settings: Settings, join: Join | None = None, store: str = "") -> list[str]:
    """Those of `pynetes`. A host that has joined before needs no `join`; `store` is for the first master."""
    own = ["--node-name", host.name, "--node-ip", host.address, "--cgroup-root", f"{settings.cgroup_root}/{host.name}"]
    if settings.verbosity:
        own += ["-v", str(settings.verbosity)]
    if host.role == "node":
        return ["agent", *own, "--kubelet-port", str(settings.kubelet_port), *(join.flags() if join else ())]
    first = [*(join.flags() if join else ()), *(["--store", store] if store else ())]
    return ["server", *own, *_control_plane(settings), *first]


def _control_plane(settings: Settings) -> list[str]:
    flags = {
        "--secure-port": str(settings.secure_port),
        "--controller-manager-port": str(settings.controller_manager_port),
        "--scheduler-port": str(settings.scheduler_port),
        "--cluster-cidr": settings.cluster_cidr,
        "--service-cluster-ip-range": settings.service_cidr,
        "--apiserver-cert-extra-sans": f"{settings.node_ip},{settings.node_name}",
        "--node-monitor-grace-period": f"{settings.node_monitor_grace_period}s",
    }
    if settings.load_balancer_pool:
        flags["--load-balancer-pool"] = settings.load_balancer_pool
    if settings.encryption_provider_config:
        flags["--encryption-provider-config"] = settings.encryption_provider_config
    words = [word for pair in flags.items() for word in pair]
    if settings.encryption_provider_config_automatic_reload:
        words.append("--encryption-provider-config-automatic-reload")
    return ["--no-kubeconfig", *words]


def server_url(host: Host, settings: Settings) -> str:
    return f"https://{host.address}:{settings.secure_port}"
