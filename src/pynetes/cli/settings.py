"""What a one-machine cluster is made with: chosen at the first `up`, kept for the next."""

import json
import socket
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from msgspec import NODEFAULT, Struct
from msgspec.structs import asdict, fields

from pynetes.apimachinery import names
from pynetes.cli.layout import Layout

#: What objects on disk rest on: not to be changed under them.
_FIXED = {
    "node_name": "node",
    "service_cidr": "range of Service addresses",
    "cluster_cidr": "range of pod addresses",
    "store": "store",
}

#: The longest prefixes: a node's pods take a /24, and the tenth Service address is the DNS'.
_SMALLEST = {"service_cidr": 28, "cluster_cidr": 24}


class SettingsError(Exception):
    """The settings do not fit the machine or the cluster that is there; the message says what to do."""


class Settings(Struct, frozen=True):
    """`registry_port` 0: no image registry.

    `cgroup_root` is where pods' cgroups are, under every hierarchy: clusters that share a kernel need one each.
    `store` is the store's identity, without password and options: see `storeurl`.
    `load_balancer_pool`: addresses of the AddressPool `default`, ranges or CIDRs separated by commas; empty: no load
    balancers.
    """

    node_name: str
    node_ip: str
    secure_port: int = 6443
    kubelet_port: int = 10250
    dns_port: int = 10053
    controller_manager_port: int = 10257
    scheduler_port: int = 10259
    cloud_controller_manager_port: int = 10258
    registry_port: int = 0
    service_cidr: str = "10.96.0.0/12"
    cluster_cidr: str = "10.244.0.0/16"
    dns_ip: str = "10.96.0.10"
    service_ip: str = "10.96.0.1"
    domain: str = "cluster.local"
    cgroup_root: str = "/pynetes"
    load_balancer_pool: str = ""
    store: str = "sqlite:"
    verbosity: int = 0
    role: str = "all"
    """`all`: control plane and node; `server`: the control plane; `agent`: a node of the cluster at `api_server`;
    `hosts`: neither, but a cluster of hosts on this machine (`pynetes.cli.hosts`)."""
    api_server: str = ""
    joined: str = ""
    """Of a further control plane: the server through which it came into the cluster."""
    extra_sans: str = ""
    """Further names and addresses, separated by commas, that the API server's certificate stands for."""
    node_monitor_grace_period: float = 50.0
    """Seconds without a sign of life after which a node is not ready."""
    encryption_provider_config: str = ""
    """An EncryptionConfiguration's path; empty: values lie plain in the store."""
    encryption_provider_config_automatic_reload: bool = False
    host_cidr: str = ""
    """Range of the hosts' addresses, with the role `hosts`."""

    @property
    def runs_control_plane(self) -> bool:
        return self.role in ("all", "server")

    @property
    def runs_node(self) -> bool:
        return self.role in ("all", "agent")

    @property
    def has_admin(self) -> bool:
        """Whether the administrator's kubeconfig is on this machine."""
        return self.role != "agent"

    @property
    def server(self) -> str:
        return self.api_server or f"https://{self.node_ip}:{self.secure_port}"

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


def load(layout: Layout) -> Settings | None:
    """The settings of the cluster on this disk; None if there is none."""
    try:
        return _parse(json.loads(layout.settings.read_text()))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise SettingsError(f"{layout.settings} is damaged ({error}); `pynetes purge` removes the cluster") from None


def of_running(layout: Layout) -> Settings | None:
    """What the supervisor was started with; None if there is none, or its state cannot be read."""
    try:
        return _parse(json.loads(layout.supervisor_state.read_text())["settings"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _parse(values: Any) -> Settings:
    """ValueError for what is not a cluster's settings; what a newer version has added is left out."""
    if not isinstance(values, dict):
        raise ValueError("not an object")
    known = {field.name: value for field in fields(Settings) if (value := values.get(field.name)) is not None}
    for field in fields(Settings):
        if field.name not in known and field.default is NODEFAULT:
            raise ValueError(f"{field.name} is missing")
        if not isinstance(
            known.get(field.name, field.default), str if field.default is NODEFAULT else type(field.default)
        ):
            raise ValueError(f"{field.name} is {known[field.name]!r}")
    return Settings(**known)


def choose(layout: Layout, given: dict[str, Any]) -> Settings:
    """The settings to start with: those of the cluster on disk, else the machine's; `given` ones come first."""
    given = {key: value for key, value in given.items() if value is not None}
    existing = load(layout)
    base: dict[str, Any] = asdict(existing) if existing else {"node_name": default_node_name()}
    if existing:
        check_fixed(existing, given)
    check_role(existing, given.get("role", "all"))
    chosen = base | given
    _check(chosen)
    if given.get("service_cidr"):
        addresses = IPv4Network(given["service_cidr"])
        chosen |= {"service_ip": str(addresses[1]), "dns_ip": str(addresses[10])}
    if chosen.get("cgroup_root"):
        chosen["cgroup_root"] = cgroup_path(chosen["cgroup_root"])
    chosen["node_ip"] = _node_ip(existing, given.get("node_ip"), etcd=chosen.get("store") == "etcd:")
    return Settings(**chosen)


def _node_ip(existing: Settings | None, given: str | None, *, etcd: bool) -> str:
    """The address that was given, else that of the last time while the machine has it, else the machine's main one.

    SettingsError where the other members of an etcd know this one by an address that it no longer has.
    """
    if existing is None:
        return given or default_node_ip()
    if etcd and given not in (None, existing.node_ip):
        raise SettingsError(
            f"etcd's members know this one as {existing.node_ip}; another is free after `pynetes purge`"
        )
    if given or existing.node_ip in (str(address) for _, address in _addresses()):
        return given or existing.node_ip
    if etcd and existing.runs_control_plane:
        raise SettingsError(
            f"this machine no longer has the address {existing.node_ip}, by which etcd's other members know it: "
            "give it back, or leave with `pynetes purge` and join again"
        )
    return default_node_ip()


def check_fixed(existing: Settings, given: dict[str, Any]) -> None:
    """SettingsError if `given` would change what the cluster rests on."""
    for name, what in _FIXED.items():
        present = getattr(existing, name)
        if given.get(name, present) != present:
            raise SettingsError(f"this cluster's {what} is {present}; another is free after `pynetes purge`")


def check_role(existing: Settings | None, role: str) -> None:
    """SettingsError if a machine that joined a cluster is to have its own, or the other way round."""
    if existing is None or existing.role == role or {"all", "server"} >= {existing.role, role}:
        return
    parts = {"agent": "is a node of another machine's cluster", "hosts": "has a cluster of several hosts"}
    part = parts.get(existing.role, "has a cluster of its own")
    raise SettingsError(f"this machine {part}; it is free for something else after `pynetes purge`")


def _check(chosen: dict[str, Any]) -> None:
    """SettingsError for a value that no cluster can be made with."""
    if problems := names.dns1123_subdomain(chosen["node_name"]):
        raise SettingsError(f"--node-name {chosen['node_name']!r}: {problems[0]}")
    for name, flag in (("service_cidr", "--service-cluster-ip-range"), ("cluster_cidr", "--cluster-cidr")):
        if name in chosen:
            _check_range(chosen[name], flag, _SMALLEST[name])
    for name in ("secure_port", "kubelet_port"):
        if not 1 <= chosen.get(name, 1) <= 65535:
            raise SettingsError(f"--{name.replace('_', '-')} {chosen[name]}: must be between 1 and 65535, inclusive")
    for name in ("controller_manager_port", "scheduler_port"):
        if not 0 <= chosen.get(name, 0) <= 65535:
            raise SettingsError(f"--{name.replace('_', '-')} {chosen[name]}: must be between 0 and 65535, inclusive")
    if chosen.get("load_balancer_pool"):
        _check_pool(chosen["load_balancer_pool"])


def _check_pool(text: str) -> None:
    from pynetes.cloud.providers.local.addresses import parse_list

    try:
        parse_list(text)
    except ValueError as error:
        raise SettingsError(f"--load-balancer-pool {text}: {error}") from None


def _check_range(text: str, flag: str, longest: int) -> None:
    try:
        prefix = IPv4Network(text).prefixlen
    except ValueError as error:
        raise SettingsError(f"{flag} {text!r} is no range of IPv4 addresses, as 10.96.0.0/12 is: {error}") from None
    if prefix > longest:
        raise SettingsError(f"{flag} {text} is too small: at least a /{longest} is needed")


def cgroup_path(text: str) -> str:
    """`pynetes/` → `/pynetes`. `down` removes all below it, so that the machine's own root will not do."""
    parts = [part for part in text.split("/") if part]
    if not parts or {".", ".."} & set(parts):
        raise SettingsError(f"--cgroup-root {text!r} is not a path below the cgroup hierarchies' root, as /pynetes is")
    return "/" + "/".join(parts)


def default_node_name() -> str:
    return socket.gethostname().lower()


def _addresses() -> list[tuple[int, str]]:
    """This machine's IPv4 addresses and the indexes of their interfaces."""
    from pyroute2 import IPRoute

    with IPRoute() as netlink:
        found = netlink.get_addr(family=socket.AF_INET)
        return [(message["index"], str(message.get_attr("IFA_ADDRESS"))) for message in found]


def default_node_ip() -> str:
    """The address of the default route's interface, else the first that is not loopback."""
    from pyroute2 import IPRoute  # takes as long as all else that `status` imports

    addresses = [each for each in _addresses() if not each[1].startswith("127.")]
    with IPRoute() as netlink:
        for route in netlink.get_default_routes(family=socket.AF_INET):
            interface = route.get_attr("RTA_OIF")
            for index, address in addresses:
                if index == interface:
                    return address
    if addresses:
        return addresses[0][1]
    raise SettingsError("this machine has no address but loopback: give one with --node-ip")
