"""A Service of type LoadBalancer gets an address that answers a machine outside."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from pynetes.testing.images import BUSYBOX, busybox
from pynetes.testing.netns import NetworkNamespace
from tests.e2e.cluster import Machine, until, up

pytestmark = [pytest.mark.e2e, pytest.mark.node, pytest.mark.timeout(900)]

FIRST, LAST = "203.0.113.100", "203.0.113.101"
SERVE = "echo hello > /tmp/index.html && exec httpd -f -p 80 -h /tmp"


@pytest.fixture
def machine() -> Iterator[Machine]:
    with up(f"--load-balancer-pool {FIRST}-{LAST}") as machine:
        yield machine


def answer(client: NetworkNamespace, url: str) -> str:
    def ask() -> str:
        with urllib.request.urlopen(url, timeout=5) as response:
            return str(response.read().decode())

    try:
        return client.call(ask)
    except (urllib.error.URLError, OSError):
        return ""


def test_an_exposed_pod_answers_at_an_address_of_the_pool(machine: Machine, tmp_path: Path) -> None:
    image = tmp_path / "busybox.tar"
    image.write_bytes(busybox())
    machine.host.run(f"ctr -a {machine.run_dir / 'containerd.sock'} -n k8s.io images import {image}")
    flags = "--image-pull-policy=Never --port=80 --labels=app=web"
    machine.kubectl(f"run web --image={BUSYBOX} {flags} --command -- sh -c '{SERVE}'")
    machine.kubectl("expose pod web --type=LoadBalancer --port=80")
    machine.kubectl("wait --for=condition=Ready pod/web --timeout=150s")
    machine.kubectl("wait --for=jsonpath='{.status.loadBalancer.ingress[0].ip}' service/web --timeout=150s")
    service = machine.get("service web")
    assert service["status"]["loadBalancer"] == {"ingress": [{"ip": FIRST, "ipMode": "VIP"}]}
    machine.kubectl("wait --for=jsonpath='{.status.used}'=1 addresspool/default --timeout=150s")
    shown = machine.kubectl("get addresspools").stdout.split()
    assert shown[:6] == ["NAME", "ADDRESSES", "USED", "FREE", "READY", "AGE"]
    assert shown[6:11] == ["default", f'["{FIRST}-{LAST}"]', "1", "1", "True"]
    assert "autoAssign" in machine.kubectl("explain addresspool.spec").stdout
    client = machine.router
    assert until(lambda: answer(client, f"http://{FIRST}/")) == "hello\n"
    shown = json.loads(client.run(f"ip -j neigh show {FIRST}").stdout)
    assert shown[0]["lladdr"] in machine.host.run("ip -j link").stdout
    reasons = machine.kubectl("get events -o jsonpath='{.items[*].reason}'").stdout
    assert "EnsuringLoadBalancer" in reasons
    assert "EnsuredLoadBalancer" in reasons
    machine.kubectl("delete service web --timeout=150s")
    until(lambda: not answer(client, f"http://{FIRST}/"))
