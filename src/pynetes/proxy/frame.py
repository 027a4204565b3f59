"""The part of the nftables table that no Service changes: its maps, its hooks, what counts as inside. Pure.

What a packet meets: `firewall` (source ranges of load balancers), `services` (destination translation), `refusals`
(what has no endpoint), `unserved` (no such port, no such Service; not where this very node has the address itself, as
node-local DNS caches do), and on its way out masquerade of what was marked.
"""

from msgspec import Struct

from pynetes.proxy.elements import MASQUERADE, MASQUERADE_MARK
from pynetes.proxy.node import ThisNode

TABLE = "ip pynetes-proxy"

KEY = "ip daddr . meta l4proto . th dport"
NODEPORT_KEY = "meta l4proto . th dport"

PRIMARY = "primary"

#: Ways to tell whether a packet is a pod's, as kube-proxy's --detect-local-mode names them.
DETECT_LOCAL_MODES = ("ClusterCIDR", "NodeCIDR", "BridgeInterface", "InterfaceNamePrefix")


class Frame(Struct, frozen=True):
    """`pods` matches packets of pods, `not_pods` all others (nftables expressions); both empty: it cannot be told.

    `node_port_ranges`: node ports are served at addresses of the node in these; empty: at all of them.
    `service_ranges`: where cluster IPs come from; what goes to one that no Service has is lost here.
    """

    pods: str = ""
    not_pods: str = ""
    masquerade_all: bool = False
    node_port_ranges: tuple[str, ...] = ()
    service_ranges: tuple[str, ...] = ()

    def text(self) -> str:
        """The table, empty of Services."""
        at_node_ports = "fib daddr type local ip daddr != 127.0.0.0/8"
        if self.node_port_ranges:
            at_node_ports += f" ip daddr {{ {', '.join(self.node_port_ranges)} }}"
        masquerade = f"ip daddr @cluster-ips {self.not_pods} {MASQUERADE}" if self.not_pods else ""
        if self.masquerade_all:
            masquerade = f"ip daddr @cluster-ips {MASQUERADE}"
        unallocated = f"ip daddr {{ {', '.join(self.service_ranges)} }} drop" if self.service_ranges else ""
        hook = "policy accept; ct state new jump"
        return f"""
table {TABLE} {{
  map service-ips {{ type ipv4_addr . inet_proto . inet_service : verdict; }}
  map service-endpoints {{ typeof {KEY} . numgen random mod 2 : ip daddr . th dport; }}
  map cluster-policy {{ type ipv4_addr . inet_proto . inet_service : verdict; }}
  map local-policy {{ type ipv4_addr . inet_proto . inet_service : verdict; }}
  map node-ports {{ type inet_proto . inet_service : verdict; }}
  map node-port-endpoints {{ typeof {NODEPORT_KEY} . numgen random mod 2 : ip daddr . th dport; }}
  map node-port-cluster-policy {{ type inet_proto . inet_service : verdict; }}
  map node-port-local-policy {{ type inet_proto . inet_service : verdict; }}
  map no-endpoint-services {{ type ipv4_addr . inet_proto . inet_service : verdict; }}
  map no-endpoint-node-ports {{ type inet_proto . inet_service : verdict; }}
  map firewall-ips {{ type ipv4_addr . inet_proto . inet_service : verdict; }}
  set cluster-ips {{ type ipv4_addr; }}
  set hairpin-connections {{ type ipv4_addr . ipv4_addr; }}

  chain reject-chain {{ reject with icmp type port-unreachable; }}
  chain services {{
    {masquerade}
    {KEY} vmap @service-ips
    {at_node_ports} {NODEPORT_KEY} vmap @node-ports
  }}
  chain external-local {{{self._by_client(KEY, "cluster-policy", "local-policy")}}}
  chain node-port-local {{{self._by_client(NODEPORT_KEY, "node-port-cluster-policy", "node-port-local-policy")}}}
  chain firewall {{ {KEY} vmap @firewall-ips; }}
  chain refusals {{
    {KEY} vmap @no-endpoint-services
    {at_node_ports} {NODEPORT_KEY} vmap @no-endpoint-node-ports
  }}
  chain unserved {{
    ip daddr @cluster-ips goto reject-chain
    {unallocated}
  }}
  chain filter-prerouting-pre-dnat {{ type filter hook prerouting priority -110; {hook} firewall; }}
  chain filter-output-pre-dnat {{ type filter hook output priority -110; {hook} firewall; }}
  chain nat-prerouting {{ type nat hook prerouting priority dstnat; policy accept; jump services; }}
  chain nat-output {{ type nat hook output priority -100; policy accept; jump services; }}
  chain nat-postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    meta mark and {MASQUERADE_MARK} != 0 meta mark set meta mark xor {MASQUERADE_MARK} masquerade fully-random
    ct status dnat ip saddr . ip daddr @hairpin-connections masquerade fully-random
  }}
  chain filter-input {{ type filter hook input priority -110; {hook} refusals; }}
  chain filter-forward {{ type filter hook forward priority -110; {hook} refusals; ct state new jump unserved; }}
  chain filter-output {{ type filter hook output priority -90; {hook} refusals; ct state new jump unserved; }}
}}
"""

    def _by_client(self, key: str, cluster: str, local: str) -> str:
        """Pods reach every endpoint as they are; so does the node itself, but its address may be the Service's own."""
        pods = f"\n    {self.pods} {key} vmap @{cluster}" if self.pods else ""
        return f"""{pods}
    fib saddr type local {MASQUERADE} {key} vmap @{cluster}
    {key} vmap @{local}
  """


def detect_local(mode: str, cluster_cidr: str, interface: str, node: ThisNode) -> tuple[str, str]:
    """`Frame.pods` and `Frame.not_pods`. ValueError if there is no such mode."""
    if mode not in DETECT_LOCAL_MODES:
        raise ValueError(f"--detect-local-mode {mode!r}: must be one of {', '.join(DETECT_LOCAL_MODES)}")
    if mode in ("ClusterCIDR", "NodeCIDR"):
        texts = cluster_cidr.split(",") if mode == "ClusterCIDR" else [node.pod_cidr]
        cidr = next((text.strip() for text in texts if text.strip() and ":" not in text), "")
        return (f"ip saddr {cidr}", f"ip saddr != {cidr}") if cidr else ("", "")
    if not interface:
        return "", ""
    name = f'"{interface}*"' if mode == "InterfaceNamePrefix" else f'"{interface}"'
    return f"iifname {name}", f"iifname != {name}"


def node_port_ranges(addresses: tuple[str, ...], node: ThisNode) -> tuple[str, ...]:
    """What --nodeport-addresses means on this node: ranges as they are, `primary` as the node's own address."""
    if addresses == (PRIMARY,):
        return (f"{node.address}/32",) if node.address else ()
    return tuple(range_ for range_ in addresses if ":" not in range_)
