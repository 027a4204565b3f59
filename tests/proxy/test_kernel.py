"""Which kernel parameters the proxy sets."""

from pynetes.proxy.config import ProxyConfig
from pynetes.proxy.kernel import parameters

MAX = "net.netfilter.nf_conntrack_max"


def test_connections_have_room_by_cores_and_never_less_than_before() -> None:
    config = ProxyConfig("here")
    assert parameters(config, 2, 65536)[MAX] == "131072"
    assert parameters(config, 8, 65536)[MAX] == "262144"
    assert parameters(config, 512, 65536)[MAX] == "1048576"
    assert MAX not in parameters(config, 2, 262144)
    assert MAX not in parameters(ProxyConfig("here", conntrack_max_per_core=0), 8, 1)


def test_timeouts_are_set_unless_they_are_left_to_the_kernel() -> None:
    found = parameters(ProxyConfig("here", conntrack_tcp_timeout_close_wait=0, conntrack_udp_timeout=60.5), 2, 0)
    assert found["net.netfilter.nf_conntrack_tcp_timeout_established"] == "86400"
    assert found["net.netfilter.nf_conntrack_udp_timeout"] == "60"
    assert not [name for name in found if "close_wait" in name or "stream" in name or "liberal" in name]
