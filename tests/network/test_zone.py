"""Names of the cluster domain, by the DNS specification's own examples and edges."""

from collections.abc import Iterable
from typing import Any

import pytest

from pynetes.network.dns.zone import Zone


class Cluster:
    """A small cluster in dicts: what informers hold in a real one."""

    def __init__(self) -> None:
        self.services = {
            ("shop", "web"): _service("web", clusterIP="10.96.0.20", ports=[{"name": "http", "port": 80}]),
            ("shop", "db"): _service("db", clusterIP="None", ports=[{"name": "sql", "port": 5432}]),
            ("shop", "none"): _service("none", clusterIP="None"),
            ("shop", "ext"): _service("ext", type="ExternalName", externalName="db.example.org"),
            ("shop", "alias"): _service("alias", type="ExternalName", externalName="web.shop.svc.cluster.local."),
            ("shop", "circle"): _service("circle", type="ExternalName", externalName="circle.shop.svc.cluster.local"),
        }
        self.slices = {
            ("shop", "db"): [
                {
                    "metadata": {"namespace": "shop", "labels": {"kubernetes.io/service-name": "db"}},
                    "addressType": "IPv4",
                    "ports": [{"name": "sql", "port": 5432, "protocol": "TCP"}],
                    "endpoints": [
                        {"addresses": ["10.244.0.5"], "hostname": "db-0", "conditions": {"ready": True}},
                        {"addresses": ["10.244.0.6"], "conditions": {"ready": True}},
                        {"addresses": ["10.244.0.7"], "conditions": {"ready": False}},
                    ],
                }
            ]
        }

    def service(self, namespace: str, name: str) -> dict[str, Any] | None:
        return self.services.get((namespace, name))

    def endpoint_slices(self, namespace: str, service: str) -> Iterable[dict[str, Any]]:
        return self.slices.get((namespace, service), ())

    def namespace_exists(self, namespace: str) -> bool:
        return namespace == "shop"

    def service_by_ip(self, ip: str) -> dict[str, Any] | None:
        return next((s for s in self.services.values() if s["spec"].get("clusterIP") == ip), None)

    def slices_by_ip(self, ip: str) -> Iterable[dict[str, Any]]:
        return [s for ss in self.slices.values() for s in ss if any(ip in e["addresses"] for e in s["endpoints"])]


def _service(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "shop"}, "spec": spec}


@pytest.fixture
def zone() -> Zone:
    return Zone("cluster.local.", Cluster())


@pytest.mark.parametrize(
    ("name", "qtype", "expected"),
    [
        ("web.shop.svc.cluster.local", "A", ["10.96.0.20"]),
        ("WEB.Shop.svc.Cluster.Local", "A", ["10.96.0.20"]),
        ("web.shop.svc.cluster.local", "AAAA", []),
        ("db.shop.svc.cluster.local", "A", ["10.244.0.5", "10.244.0.6"]),
        ("db-0.db.shop.svc.cluster.local", "A", ["10.244.0.5"]),
        ("10-244-0-6.db.shop.svc.cluster.local", "A", ["10.244.0.6"]),
        ("10-244-0-5.db.shop.svc.cluster.local", "A", None),
        ("db-1.db.shop.svc.cluster.local", "A", None),
        ("none.shop.svc.cluster.local", "A", None),
        ("ext.shop.svc.cluster.local", "A", ["db.example.org"]),
        ("alias.shop.svc.cluster.local", "A", ["web.shop.svc.cluster.local", "10.96.0.20"]),
        ("alias.shop.svc.cluster.local", "CNAME", ["web.shop.svc.cluster.local"]),
        ("missing.shop.svc.cluster.local", "A", None),
        ("web.missing.svc.cluster.local", "A", None),
        ("10-244-0-9.shop.pod.cluster.local", "A", ["10.244.0.9"]),
        ("10-244-0-999.shop.pod.cluster.local", "A", None),
        ("10-244-0-9.missing.pod.cluster.local", "A", None),
        ("shop.svc.cluster.local", "A", []),
        ("missing.svc.cluster.local", "A", None),
        ("svc.cluster.local", "A", []),
        ("cluster.local", "A", []),
        ("dns-version.cluster.local", "TXT", ["1.1.0"]),
        ("_http._tcp.web.shop.svc.cluster.local", "SRV", [(80, "web.shop.svc.cluster.local")]),
        ("_http._udp.web.shop.svc.cluster.local", "SRV", None),
        ("_http._tcp.web.shop.svc.cluster.local", "A", []),
        ("web.shop.svc.cluster.local", "SRV", [(80, "web.shop.svc.cluster.local")]),
        (
            "_sql._tcp.db.shop.svc.cluster.local",
            "SRV",
            [(5432, "db-0.db.shop.svc.cluster.local"), (5432, "10-244-0-6.db.shop.svc.cluster.local")],
        ),
        ("20.0.96.10.in-addr.arpa", "PTR", ["web.shop.svc.cluster.local"]),
        ("5.0.244.10.in-addr.arpa", "PTR", ["db-0.db.shop.svc.cluster.local"]),
        ("a.b.c.d.e.f.svc.cluster.local", "A", None),
    ],
)
def test_names_of_the_cluster(zone: Zone, name: str, qtype: str, expected: list[Any] | None) -> None:
    """`expected` None is NXDOMAIN, an empty list a name without records of that type."""
    answer = zone.lookup(name, qtype)
    assert answer is not None
    assert (answer.exists, [record.data for record in answer.records]) == (expected is not None, expected or [])


def test_aliases_are_followed_to_where_the_zone_ends(zone: Zone) -> None:
    outside = zone.lookup("ext.shop.svc.cluster.local", "A")
    assert outside is not None
    assert outside.outside == "db.example.org"
    circle = zone.lookup("circle.shop.svc.cluster.local", "A")
    assert circle is not None
    assert len(circle.records) < 10


@pytest.mark.parametrize("name", ["example.org", "xcluster.local", "8.8.8.8.in-addr.arpa", "local"])
def test_other_names_are_not_the_zones(zone: Zone, name: str) -> None:
    assert zone.lookup(name, "A") is None


def test_srv_answers_bring_the_addresses_of_their_targets(zone: Zone) -> None:
    answer = zone.lookup("_sql._tcp.db.shop.svc.cluster.local", "SRV")
    assert answer is not None
    assert {(r.name, r.data) for r in answer.additional} == {
        ("db-0.db.shop.svc.cluster.local", "10.244.0.5"),
        ("10-244-0-6.db.shop.svc.cluster.local", "10.244.0.6"),
    }
