"""What the proxy tells of itself and of its node's endpoints, as load balancers and monitoring ask for it."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from pynetes.apis.names import ENDPOINT_SLICES, EVENTS, NODES, SERVICES
from pynetes.client.rest import Client
from pynetes.component import clock
from pynetes.component.serving import Request
from pynetes.proxy.health import TIMEOUT, ProxyHealth, service_answer
from tests.network.fabric import Fabric, Node, until

OWN, METRICS = "http://127.0.0.1:10256", "http://127.0.0.1:10249"


class Answer:
    def __init__(self, status: int, headers: Any, body: str) -> None:
        self.status, self.headers, self.body = status, headers, body


def get(node: Node, url: str) -> Answer:
    def ask() -> Answer:
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return Answer(answer.status, answer.headers, answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read().decode())

    return node.host.call(ask)


def status(node: Node, url: str) -> int:
    """0 if nobody answers."""
    try:
        return get(node, url).status
    except OSError:
        return 0


@pytest.fixture(scope="module")
def fabric() -> Iterator[Fabric]:
    made = Fabric(nodes=1)
    try:
        made.register(made.nodes[0])
        made.nodes[0].start()
        until(lambda: status(made.nodes[0], f"{OWN}/healthz") == 200)
        until(lambda: status(made.nodes[0], f"{METRICS}/healthz") == 200)
        yield made
        made.check()
    finally:
        made.close()


@pytest.mark.root
def test_a_node_about_to_go_is_alive_but_gets_no_more_traffic(fabric: Fabric) -> None:
    (node,) = fabric.nodes
    answer = get(node, f"{OWN}/healthz")
    body = json.loads(answer.body)
    assert list(body) == ["lastUpdated", "currentTime", "nodeEligible", "Healthy", "status"]
    assert (body["nodeEligible"], body["Healthy"], body["status"]["IPv4"]["healthy"]) == (True, True, True)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    taint = {"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule"}
    fabric.patch(NODES, node.name, {"spec": {"taints": [taint]}}, None)
    until(lambda: status(node, f"{OWN}/healthz") == 503)
    assert json.loads(get(node, f"{OWN}/healthz").body)["nodeEligible"] is False
    alive = get(node, f"{OWN}/livez")
    assert (alive.status, "nodeEligible" in alive.body) == (200, False)
    fabric.patch(NODES, node.name, {"spec": {"taints": None}}, None)
    until(lambda: status(node, f"{OWN}/healthz") == 200)


@pytest.mark.root
def test_metrics_are_kube_proxys(fabric: Fabric) -> None:
    (node,) = fabric.nodes
    assert get(node, f"{METRICS}/healthz").body == "ok"
    assert get(node, f"{METRICS}/proxyMode").body == "nftables"
    configuration = json.loads(get(node, f"{METRICS}/configz").body)["kubeproxy.config.k8s.io"]
    assert (configuration["mode"], configuration["clusterCIDR"]) == ("nftables", "10.244.0.0/16")
    for sample in (
        'kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv4"}',  # once rules are in force
        'kubeproxy_proxy_healthz_total{code="200"}',
    ):
        until(lambda sample=sample: sample in get(node, f"{METRICS}/metrics").body)  # type: ignore[misc]
    assert get(node, f"{METRICS}/nonsense").status == 404


def _balanced(fabric: Fabric, name: str, port: int) -> str:
    """A Service that stays on the node, with one endpoint there; the URL of its health check.

    `port`: below 30086, for the others are given away by chance.
    """
    ports = [{"port": 80, "protocol": "TCP"}]
    policy = {"externalTrafficPolicy": "Local", "healthCheckNodePort": port}
    fabric.create_service(name, ports, type="LoadBalancer", **policy)
    endpoint = {"addresses": ["10.244.1.9"], "nodeName": "n1", "conditions": {"ready": True}}
    fabric.create_slice(name, [{"name": "", "port": 80, "protocol": "TCP"}], [endpoint])
    return f"http://{fabric.nodes[0].address}:{port}/"


@pytest.mark.root
def test_a_services_health_port_tells_how_many_endpoints_the_node_has(fabric: Fabric) -> None:
    (node,) = fabric.nodes
    url = _balanced(fabric, "web", 30001)
    until(lambda: status(node, url) == 200)
    answer = get(node, url)
    assert answer.headers["X-Load-Balancing-Endpoint-Weight"] == "1"
    assert answer.body == (
        '{\n\t"service": {\n\t\t"namespace": "default",\n\t\t"name": "web"\n\t},\n'
        '\t"localEndpoints": 1,\n\t"serviceProxyHealthy": true\n}'
    )
    fabric.patch(ENDPOINT_SLICES, "web", {"endpoints": []})
    until(lambda: status(node, url) == 503)
    assert json.loads(get(node, url).body)["localEndpoints"] == 0
    fabric.patch(SERVICES, "web", {"spec": {"externalTrafficPolicy": "Cluster", "healthCheckNodePort": None}})
    until(lambda: status(node, url) == 0)
    fabric.delete(SERVICES, "web")


@pytest.mark.root
def test_a_health_port_that_is_taken_is_told_and_tried_again(fabric: Fabric) -> None:
    (node,) = fabric.nodes
    with node.host.call(socket.create_server, ("0.0.0.0", 30002)):
        url = _balanced(fabric, "busy", 30002)
        until(lambda: _failure(fabric) is not None)
        failure = _failure(fabric)
        assert failure is not None
        assert 'node n1 failed to start healthcheck "default/busy" on port 30002' in failure["message"]
    fabric.patch(SERVICES, "busy", {"metadata": {"labels": {"any": "change"}}})
    until(lambda: status(node, url) == 200)
    fabric.delete(SERVICES, "busy")
    until(lambda: status(node, url) == 0)


def _failure(fabric: Fabric) -> dict[str, Any] | None:
    async def listed(client: Client) -> Any:
        return await client.list(EVENTS)

    events = fabric.control_plane.run(listed)["items"]
    return next((event for event in events if event["reason"] == "FailedToStartServiceHealthcheck"), None)


async def test_changes_that_wait_for_a_minute_are_a_sign_of_illness(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: now[0])
    monkeypatch.setattr(clock, "time_seconds", lambda: now[0])
    health = ProxyHealth(lambda: True)
    health.queued()
    now[0] += TIMEOUT - 1
    assert health.healthy
    health.queued()
    now[0] += 1
    assert not health.healthy
    answer = await health.livez(Request("/livez"))
    body = json.loads(answer.body)
    assert (answer.status, body["Healthy"]) == (503, False)
    assert body["lastUpdated"] == "1970-01-01T00:16:40Z"
    assert service_answer("ns/web", 3, healthy=False).status == 503
    health.updated()
    answer = await health.livez(Request("/livez"))
    assert (answer.status, json.loads(answer.body)["lastUpdated"]) == (200, "1970-01-01T00:17:40Z")
