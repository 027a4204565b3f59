"""The managed /etc/hosts."""

from typing import Any

import pytest

from pynetes.kubelet.hosts import content, should_mount


def pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p", "namespace": "ns"}, "spec": spec}


LOCAL = """127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
"""


def test_pods_own_names() -> None:
    assert content(pod(), ["10.244.0.5"], "web") == (f"# Kubernetes-managed hosts file.\n{LOCAL}10.244.0.5\tweb\n")


def test_subdomain_and_aliases() -> None:
    aliases = [{"ip": "1.2.3.4", "hostnames": ["a", "b"]}, {"ip": "5.6.7.8", "hostnames": ["c"]}]
    text = content(pod(hostAliases=aliases), ["10.0.0.1", "fd00::1"], "web", domain="sub.ns.svc.cluster.local")
    assert text.endswith(
        "10.0.0.1\tweb.sub.ns.svc.cluster.local\tweb\n"
        "fd00::1\tweb.sub.ns.svc.cluster.local\tweb\n"
        "\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n5.6.7.8\tc\n"
    )


def test_host_network_pods_get_the_nodes_file() -> None:
    text = content(pod(hostNetwork=True), [], "node", node_hosts="127.0.0.1 localhost\n")
    assert text == "# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n"


@pytest.mark.parametrize(
    ("spec", "mounts", "ips", "expected"),
    [
        ({}, [], ["10.0.0.1"], True),
        ({}, [], [], False),
        ({"hostNetwork": True}, [], [], True),
        ({}, [{"mountPath": "/etc/hosts", "name": "v"}], ["10.0.0.1"], False),
    ],
)
def test_when_it_is_mounted(spec: dict[str, Any], mounts: list[Any], ips: list[str], expected: bool) -> None:
    assert should_mount(pod(**spec), {"volumeMounts": mounts}, ips) is expected
