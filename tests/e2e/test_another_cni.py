"""Another CNI plugin's configuration is dropped into place: the runtime gives pods its addresses, ours is out of it."""

import json

import pytest

from tests.e2e.cluster import Machine, until

pytestmark = [pytest.mark.e2e, pytest.mark.node, pytest.mark.timeout(900)]

POD = """
apiVersion: v1
kind: Pod
metadata: {name: NAME, labels: {app: NAME}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: main, image: registry.k8s.io/pause:3.10.2, imagePullPolicy: Never}
"""


def run(machine: Machine, name: str) -> str:
    """Starts a pod; its address."""
    machine.kubectl("apply -f -", input=POD.replace("NAME", name))
    machine.kubectl(f"wait --for=condition=Ready pod/{name} --timeout=150s")
    return str(machine.get(f"pod {name}")["status"]["podIP"])


def test_another_plugin_takes_over_and_ours_comes_back(machine: Machine) -> None:
    assert run(machine, "ours").startswith("10.244.0.")
    directory = machine.data / "cni/net.d"
    (ours,) = directory.iterdir()
    ipam = {
        "type": "host-local",
        "dataDir": str(machine.data / "elsewhere"),
        "ranges": [[{"subnet": "172.30.9.0/24"}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    plugins = [{"type": "ptp", "ipam": ipam}, {"type": "portmap", "capabilities": {"portMappings": True}}]
    foreign = directory / "zz-elsewhere.conflist"
    foreign.write_text(json.dumps({"cniVersion": "0.4.0", "name": "elsewhere", "plugins": plugins}))
    until(lambda: not ours.exists())
    assert run(machine, "theirs").startswith("172.30.9.")
    assert "pynetes-network" not in machine.host.run("nft list tables").stdout
    machine.kubectl("delete pod ours --timeout=150s")
    until(lambda: "pynetes0" not in machine.host.run("ip link").stdout)
    # the kubelet and Services go on with the other's pods
    machine.kubectl("expose pod theirs --port=80")
    until(lambda: machine.get("endpointslices -l kubernetes.io/service-name=theirs")["items"][0]["endpoints"])
    foreign.unlink()
    until(ours.exists)
    assert run(machine, "again").startswith("10.244.0.")
    assert "pynetes-network" in machine.host.run("nft list tables").stdout
    machine.kubectl("delete pod theirs again --timeout=150s")
