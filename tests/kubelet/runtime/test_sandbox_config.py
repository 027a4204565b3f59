import pytest

from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.dns import DNSConfig
from pynetes.kubelet.runtime.hostname import hostname_and_domain, kernel_hostname
from pynetes.kubelet.runtime.sandbox_config import sandbox_config

DNS = DNSConfig(["10.96.0.10"], ["cluster.local"], ["ndots:5"])


def pod(**spec):
    metadata = {"name": "web-0", "namespace": "shop", "uid": "u", "labels": {"app": "web"}, "annotations": {"x": "y"}}
    return {"metadata": metadata, "spec": {"containers": [], **spec}}


def made(pod):
    return sandbox_config(
        pod, 3, dns=DNS, log_directory="/logs", cgroup_parent="/kubepods/podu", cluster_domain="cluster.local"
    )


def test_names_labels_and_network():
    ports = [{"containerPort": 80, "hostPort": 8080, "hostIP": "127.0.0.1", "protocol": "UDP"}, {"containerPort": 90}]
    found = made(pod(containers=[{"name": "c", "ports": ports}]))
    assert (found.metadata.name, found.metadata.attempt, found.hostname) == ("web-0", 3, "web-0")
    assert found.labels["io.kubernetes.pod.uid"] == "u"
    assert found.labels["app"] == "web"
    assert found.annotations["x"] == "y"
    assert list(found.dns_config.servers) == ["10.96.0.10"]
    first = found.port_mappings[0]
    assert (first.protocol, first.container_port, first.host_port, first.host_ip) == (pb.UDP, 80, 8080, "127.0.0.1")
    assert found.port_mappings[1].host_port == 0
    assert found.linux.cgroup_parent == "/kubepods/podu"


def test_on_the_hosts_network_the_name_is_the_hosts():
    assert made(pod(hostNetwork=True)).hostname == ""


def test_sysctls_are_written_with_dots():
    listed = [{"name": "net/ipv4/conf/eth0.1/x", "value": "1"}, {"name": "kernel.shm", "value": "2"}]
    assert dict(made(pod(securityContext={"sysctls": listed})).linux.sysctls) == {
        "net.ipv4.conf.eth0/1.x": "1",
        "kernel.shm": "2",
    }


def test_a_privileged_container_makes_the_sandbox_privileged():
    assert made(
        pod(containers=[{"name": "c", "securityContext": {"privileged": True}}])
    ).linux.security_context.privileged


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, ("web-0", "")),
        ({"hostname": "db", "subdomain": "sql"}, ("db", "sql.shop.svc.cluster.local")),
        ({"hostnameOverride": "other.example"}, ("other.example", "")),
    ],
)
def test_host_names(spec, expected):
    assert hostname_and_domain(pod(**spec), "cluster.local") == expected


def test_long_names_are_cut_and_too_long_full_names_refused():
    long = pod()
    long["metadata"]["name"] = "a" * 62 + "-" + "b" * 20
    assert hostname_and_domain(long, "cluster.local")[0] == "a" * 62
    full = pod(subdomain="sql", setHostnameAsFQDN=True)
    assert kernel_hostname(full, "cluster.local") == "web-0.sql.shop.svc.cluster.local"
    with pytest.raises(ValueError, match=r"is too long \(64 characters is the max, \d+ characters requested\)"):
        kernel_hostname(full, "c" * 60)
