"""resolv.conf by policy, and its limits."""

from dataclasses import dataclass
from typing import Any

import pytest

from pynetes.kubelet.dns import DNSConfig, config_for, parse_resolv_conf


@dataclass(frozen=True)
class Settings:
    cluster_dns: tuple[str, ...] = ("10.96.0.10",)
    cluster_domain: str = "cluster.local"
    resolv_conf: str = "/etc/resolv.conf"


HOST = DNSConfig(["192.0.2.53"], ["corp.example"], ["timeout:1"])
CLUSTER_SEARCH = ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local", "corp.example"]


def pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p", "namespace": "shop", "uid": "u"}, "spec": spec}


def test_parsing_adds_servers_up_and_keeps_the_last_search() -> None:
    text = "# c\nnameserver 1.1.1.1\nsearch a.\nnameserver 2.2.2.2\nsearch b. . c\noptions ndots:2 x\noptions ndots:3\n"
    assert parse_resolv_conf(text) == DNSConfig(["1.1.1.1", "2.2.2.2"], ["b", "c"], ["ndots:3", "x"])
    with pytest.raises(ValueError, match="nameserver list is empty"):
        parse_resolv_conf("nameserver\n")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"dnsPolicy": "ClusterFirst"}, DNSConfig(["10.96.0.10"], CLUSTER_SEARCH, ["ndots:5"])),
        ({"dnsPolicy": "ClusterFirst", "hostNetwork": True}, HOST),
        (
            {"dnsPolicy": "ClusterFirstWithHostNet", "hostNetwork": True},
            DNSConfig(["10.96.0.10"], CLUSTER_SEARCH, ["ndots:5"]),
        ),
        ({"dnsPolicy": "Default"}, HOST),
        ({"dnsPolicy": "None", "dnsConfig": {"nameservers": ["9.9.9.9"]}}, DNSConfig(["9.9.9.9"], [], [])),
        (
            {
                "dnsPolicy": "ClusterFirst",
                "dnsConfig": {
                    "nameservers": ["10.96.0.10", "9.9.9.9"],
                    "searches": ["corp.example", "more.example"],
                    "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}],
                },
            },
            DNSConfig(["10.96.0.10", "9.9.9.9"], [*CLUSTER_SEARCH, "more.example"], ["ndots:2", "edns0"]),
        ),
    ],
)
def test_policies(spec: dict[str, Any], expected: DNSConfig) -> None:
    assert config_for(pod(**spec), Settings(), host=HOST) == expected


def test_without_cluster_dns_the_pod_falls_back_and_hears_of_it() -> None:
    found = config_for(pod(dnsPolicy="ClusterFirst"), Settings(cluster_dns=()), host=HOST)
    assert (found.servers, found.searches) == (HOST.servers, HOST.searches)
    assert found.warnings[0][0] == "MissingClusterDNS"


def test_an_empty_resolv_conf_path_disables_lookups() -> None:
    found = config_for(pod(dnsPolicy="Default"), Settings(resolv_conf=""))
    assert (found.servers, found.searches) == (["127.0.0.1"], ["."])


def test_limits_cut_and_warn() -> None:
    spec = {
        "dnsPolicy": "None",
        "dnsConfig": {
            "nameservers": [f"10.0.0.{n}" for n in range(5)],
            "searches": [f"s{n}.example" for n in range(40)] + ["x" * 300],
        },
    }
    found = config_for(pod(**spec), Settings(), host=HOST)
    assert found.servers == ["10.0.0.0", "10.0.0.1", "10.0.0.2"]
    assert len(found.searches) == 32
    texts = [text for _, text in found.warnings]
    assert texts[0] == (
        "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: "
        "10.0.0.0 10.0.0.1 10.0.0.2"
    )
    assert texts[1].startswith("Search Line limits were exceeded, some search paths have been omitted")


def test_the_search_line_has_a_length_limit() -> None:
    searches = [f"{n:02}{'y' * 200}" for n in range(20)]
    found = config_for(pod(dnsPolicy="None", dnsConfig={"searches": searches}), Settings(), host=HOST)
    assert len(" ".join(found.searches)) <= 2048
    assert found.searches == searches[:10]
