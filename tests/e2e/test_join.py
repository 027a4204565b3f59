"""Two machines on one link: a control plane on one, the other joins it as its node."""

import base64
import re
from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from pynetes.component import certificates
from pynetes.testing.netns import connect
from tests.e2e.cluster import Machine, until

pytestmark = [pytest.mark.e2e, pytest.mark.node, pytest.mark.timeout(900)]

SERVER_IP, AGENT_IP = "198.51.100.1", "198.51.100.2"

POD = """
apiVersion: v1
kind: Pod
metadata: {name: sleeper}
spec:
  nodeName: agent
  terminationGracePeriodSeconds: 0
  containers:
  - {name: main, image: registry.k8s.io/pause:3.10.2, imagePullPolicy: Never}
"""


class Pair:
    """A server with its own node, and a machine that is nothing yet."""

    def __init__(self) -> None:
        self.server, self.agent = Machine(), Machine()
        connect(self.server.host, f"{SERVER_IP}/24", self.agent.host, f"{AGENT_IP}/24")
        self.server.host.run(f"ip route replace default via {AGENT_IP}")
        self.agent.host.run(f"ip route replace default via {SERVER_IP}")
        made = self.server.pynetes("server", "--with-agent --node-name server", f"--node-ip {SERVER_IP}")
        found = re.search(r"pynetes agent (.*)", made.stdout)
        assert found, made.stdout
        self.join_flags = found[1]

    def join(self, flags: str) -> str:
        """Tries to join; what is said when it is refused."""
        done = self.agent.pynetes("agent", flags, "--node-name agent", f"--node-ip {AGENT_IP}", check=False)
        assert "Traceback" not in done.stderr
        assert done.returncode in (0, 1)
        return "" if done.returncode == 0 else done.stderr

    def token(self, flags: str) -> str:
        return self.server.pynetes("token create", flags).stdout.strip()

    def close(self) -> None:
        self.agent.close()
        self.server.close()


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    made = Pair()
    try:
        yield made
    finally:
        made.close()


def test_a_wrong_pin_is_refused(pair: Pair) -> None:
    flags = re.sub(r"sha256:\w{8}", "sha256:00000000", pair.join_flags)
    assert "this is another cluster, or somebody in between" in pair.join(flags)
    assert not pair.agent.data.exists()


def test_a_token_that_is_none_of_the_clusters_is_refused(pair: Pair) -> None:
    flags = re.sub(r"--token (\w{6})\.\w{16}", r"--token \1.0123456789abcdef", pair.join_flags)
    assert "is wrong, or" in pair.join(flags)
    flags = re.sub(r"--token \w{6}\.", "--token zzzzzz.", pair.join_flags)
    assert 'knows no token "zzzzzz", or it has expired' in pair.join(flags)
    assert "was not of the form" in pair.join("--token nonsense --server " + f"{SERVER_IP}:6443")


def test_tokens_are_listed_expire_and_are_revoked(pair: Pair) -> None:
    pair.token("--ttl 1h --description long")
    assert "long" in pair.server.pynetes("token list").stdout
    token = pair.token("--ttl 6s")
    until(lambda: token not in pair.server.pynetes("token list").stdout)
    assert "or it has expired" in pair.join(f"--server {SERVER_IP}:6443 --token {token}")
    command = pair.token("--print-join-command")
    assert "--discovery-token-ca-cert-hash sha256:" in command
    token = re.findall(r"--token (\S+)", command)[0]
    pair.server.pynetes("token delete", token)
    until(lambda: "or it has expired" in pair.join(f"--server {SERVER_IP}:6443 --token {token}"))


def test_a_machine_joins_and_runs_pods_and_comes_back_without_a_token(pair: Pair) -> None:
    assert pair.join(pair.join_flags) == ""
    nodes = {node["metadata"]["name"]: node for node in pair.server.get("nodes")["items"]}
    assert nodes.keys() == {"server", "agent"}
    assert nodes["agent"]["status"]["addresses"][0]["address"] == AGENT_IP
    pair.server.kubectl("wait --for=condition=Ready node/server node/agent --timeout=150s")
    assert "BEGIN EC PRIVATE KEY" in (pair.agent.data / "kubelet/pki/kubelet-client-current.pem").read_text()
    assert not (pair.agent.data / "pki/ca.key").exists()
    pair.server.kubectl("apply -f -", input=POD)
    pair.server.kubectl("wait --for=condition=Ready pod/sleeper --timeout=150s")
    # The API server reaches the kubelet there: it has a serving certificate of the cluster's CA.
    until(lambda: pair.server.kubectl("logs sleeper", check=False).returncode == 0)
    # Nodes share a link: the other's pods are behind it.
    for machine, other in ((pair.server, AGENT_IP), (pair.agent, SERVER_IP)):
        until(lambda host=machine.host, ip=other: f"via {ip}" in host.run("ip route show proto 157").stdout)  # type: ignore[misc]
    requests = pair.server.get("csr")["items"]
    assert {request["spec"]["signerName"] for request in requests} == {
        "kubernetes.io/kube-apiserver-client-kubelet",
        "kubernetes.io/kubelet-serving",
    }
    until(lambda: "agent  ready" in pair.agent.pynetes("status").stdout)
    pair.agent.pynetes("down")
    assert pair.agent.host.run("ip route show proto 157").stdout == ""
    assert pair.join("") == ""
    pair.server.kubectl("wait --for=condition=Ready node/agent --timeout=150s")


def test_requests_are_approved_and_denied_by_hand(pair: Pair) -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "jane")])
    made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(certificates.new_key(), hashes.SHA256())
    text = base64.b64encode(made.public_bytes(serialization.Encoding.PEM)).decode()
    for each in ("jane", "joe"):
        manifest = f"""
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {{name: {each}}}
spec: {{request: {text}, signerName: kubernetes.io/kube-apiserver-client, usages: [client auth]}}
"""
        pair.server.kubectl("apply -f -", input=manifest)
    pair.server.kubectl("certificate approve jane")
    pair.server.kubectl("certificate deny joe")
    until(lambda: "Approved,Issued" in pair.server.kubectl("get csr jane").stdout)
    assert "Denied" in pair.server.kubectl("get csr joe").stdout
