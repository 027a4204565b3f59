"""How the proxy is set up: kube-proxy's flags, as far as they mean something with nftables."""

from ipaddress import ip_address, ip_network

from msgspec import Struct

from pynetes.proxy.frame import PRIMARY, Frame, detect_local, node_port_ranges
from pynetes.proxy.node import ThisNode

HEALTHZ_PORT, METRICS_PORT = 10256, 10249


class ProxyConfig(Struct, frozen=True):
    node_name: str
    cluster_cidr: str = ""
    """Range of pod addresses: what comes from elsewhere to a cluster IP leaves with the node's address."""
    detect_local_mode: str = "ClusterCIDR"
    """How a pod's packet is told: ClusterCIDR, NodeCIDR, BridgeInterface or InterfaceNamePrefix."""
    pod_bridge_interface: str = ""
    """With BridgeInterface: the bridge that pods are connected to."""
    pod_interface_name_prefix: str = ""
    """With InterfaceNamePrefix: how the names of pods' interfaces on the node begin."""
    masquerade_all: bool = False
    """Whatever goes to a cluster IP leaves with the node's address."""
    nodeport_addresses: tuple[str, ...] = ()
    """Ranges of node addresses that serve node ports, or `primary` for the node's own. All of them if empty."""
    healthz_bind_address: str = f"0.0.0.0:{HEALTHZ_PORT}"
    """Where /healthz and /livez are served; empty: nowhere."""
    metrics_bind_address: str = f"127.0.0.1:{METRICS_PORT}"
    """Where /metrics is served; empty: nowhere."""
    conntrack_max_per_core: int = 32768
    """So many connections can be tracked for each core, at least; 0: as many as the kernel does."""
    conntrack_min: int = 131072
    """So many connections can be tracked at least, however few cores there are."""
    conntrack_tcp_timeout_established: float = 86400.0
    """Seconds after which an idle TCP connection is forgotten; 0: as the kernel does."""
    conntrack_tcp_timeout_close_wait: float = 3600.0
    """Seconds after which a TCP connection that one end has closed is forgotten; 0: as the kernel does."""
    conntrack_tcp_be_liberal: bool = False
    """Packets out of a TCP connection's window count as its own."""
    conntrack_udp_timeout: float = 0.0
    """Seconds after which a UDP flow that nobody answered is forgotten; 0: as the kernel does."""
    conntrack_udp_timeout_stream: float = 0.0
    """Seconds after which a UDP flow with answers is forgotten; 0: as the kernel does."""
    min_sync_period: float = 0.05
    """Seconds between transactions."""
    sync_period: float = 3600.0
    """Seconds after which all is written anew."""

    def __post_init__(self) -> None:
        """ValueError for what cannot work."""
        for address in (self.healthz_bind_address, self.metrics_bind_address):
            if address:
                bind_address(address)
        check_node_port_addresses(self.nodeport_addresses)
        self.frame(ThisNode(self.node_name), ())

    def frame(self, node: ThisNode, service_ranges: tuple[str, ...]) -> Frame:
        """What of the ruleset depends on this configuration and the node. ValueError for an unknown mode."""
        by_bridge = self.detect_local_mode == "BridgeInterface"
        interface = self.pod_bridge_interface if by_bridge else self.pod_interface_name_prefix
        pods, not_pods = detect_local(self.detect_local_mode, self.cluster_cidr, interface, node)
        return Frame(
            pods, not_pods, self.masquerade_all, node_port_ranges(self.nodeport_addresses, node), service_ranges
        )


def bind_address(text: str) -> tuple[str, int]:
    """Host and port of `0.0.0.0:10256`. ValueError for anything else."""
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"{text!r} is no address with a port, as 0.0.0.0:10256 is")
    host = host.strip("[]")
    if host:
        ip_address(host)
    return host, int(port)


def check_node_port_addresses(addresses: tuple[str, ...]) -> None:
    """ValueError unless they are ranges, or `primary` alone."""
    for address in addresses:
        if address == PRIMARY:
            if len(addresses) > 1:
                raise ValueError("--nodeport-addresses: can't use both 'primary' and CIDRs")
            continue
        try:
            ip_network(address, strict=False)
        except ValueError:
            raise ValueError(f"--nodeport-addresses: {address!r} must be a valid CIDR") from None
