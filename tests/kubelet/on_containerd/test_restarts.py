"""What outlives what: pods live on when the kubelet or containerd is started again."""

import asyncio
import os
import signal

import pytest
from msgspec.structs import replace

from pynetes.apis.names import PODS
from pynetes.kubelet.kubelet import Kubelet

pytestmark = [pytest.mark.root, pytest.mark.node]

SCRIPT = "trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done"


def sleeper(name="main", **fields):
    return {"name": name, "command": ["sh", "-c", SCRIPT], **fields}


def ready(pod):
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions") or ())


def ids(pod):
    return [c["containerID"] for c in pod["status"]["containerStatuses"]]


async def test_pods_live_on_when_the_kubelet_starts_again(cluster, kubelet_config, pods):
    async with Kubelet(cluster.node_client, kubelet_config):
        await pods.create("kept", {"containers": [sleeper()]})
        await pods.create("deleted", {"containers": [sleeper()]})
        await pods.create("forced", {"containers": [sleeper()]})
        before = await pods.wait("kept", ready)
        await pods.wait("deleted", ready)
        forced = await pods.wait("forced", ready)
    await pods.delete("deleted")
    await pods.delete("forced", grace_period_seconds=0)
    async with Kubelet(cluster.node_client, kubelet_config) as kubelet:
        await pods.gone("deleted")
        async with asyncio.timeout(60):
            while forced["metadata"]["uid"] in kubelet.parts.pleg.runtime_pods:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await asyncio.sleep(1)
        after = await pods.get("kept")
        assert ids(after) == ids(before)
        assert after["status"]["containerStatuses"][0]["restartCount"] == 0
        assert ready(after)
        transitions = [c["lastTransitionTime"] for c in after["status"]["conditions"]]
        assert transitions == [c["lastTransitionTime"] for c in before["status"]["conditions"]]


async def test_pods_live_on_when_containerd_dies_and_comes_back(kubelet, pods, on_node, tmp_path):
    await pods.create("kept", {"containers": [sleeper()]})
    script = "until test -f /told/end; do sleep 0.05; done; touch /told/ended"
    told = [{"name": "told", "mountPath": "/told"}]
    spec = {
        "restartPolicy": "Never",
        "containers": [{"name": "main", "command": ["sh", "-c", script], "volumeMounts": told}],
        "volumes": [{"name": "told", "hostPath": {"path": str(tmp_path)}}],
    }
    await pods.create("ends", spec)
    before = await pods.wait("kept", ready)
    await pods.wait("ends", ready)
    os.kill(on_node.process.pid, signal.SIGKILL)
    on_node.process.wait()
    (tmp_path / "end").touch()
    async with asyncio.timeout(60):
        while not (tmp_path / "ended").exists():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await asyncio.to_thread(on_node.start)
    ended = await pods.wait("ends", lambda p: p["status"]["phase"] == "Succeeded")
    assert ended["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 0
    after = await pods.get("kept")
    assert ids(after) == ids(before)
    assert ready(after)
    await pods.create("new", {"containers": [sleeper()]})
    await pods.wait("new", ready)


async def test_a_sandbox_that_died_is_made_anew(kubelet, pods, on_node):
    await pods.create("resurrected", {"containers": [sleeper()]})
    before = await pods.wait("resurrected", ready)
    uid = before["metadata"]["uid"]
    sandbox = (await kubelet.parts.pleg.status(uid)).sandboxes[0].id
    # The sandbox's own process alone: stopping it through CRI would end the container first.
    on_node.ctr("tasks", "kill", "--signal", "SIGKILL", sandbox)
    after = await pods.wait(
        "resurrected", lambda p: ready(p) and p["status"]["containerStatuses"][0]["restartCount"] == 1
    )
    assert ids(after) != ids(before)
    message = await pods.event("resurrected", "SandboxChanged")
    assert message == "Pod sandbox changed, it will be killed and re-created."


MANIFEST = """
apiVersion: v1
kind: Pod
metadata: {{name: static}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: registry.test/busybox:1
    command: [sh, -c, "{script}"]
    env: [{{name: V, value: "{value}"}}]
"""


async def test_static_pods_run_and_have_a_mirror(cluster, kubelet_config, pods, tmp_path):
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    config = replace(kubelet_config, static_pod_path=str(manifests))
    async with Kubelet(cluster.node_client, config):
        (manifests / "static.yaml").write_text(MANIFEST.format(script=SCRIPT, value="1"))
        mirror = await pods.wait("static-node-1", ready)
        annotations = mirror["metadata"]["annotations"]
        assert annotations["kubernetes.io/config.source"] == "file"
        assert annotations["kubernetes.io/config.mirror"] == annotations["kubernetes.io/config.hash"]
        assert mirror["metadata"]["ownerReferences"][0]["kind"] == "Node"
        (manifests / "static.yaml").write_text(MANIFEST.format(script=SCRIPT, value="2"))
        changed = await pods.wait(
            "static-node-1", lambda p: p["metadata"]["uid"] != mirror["metadata"]["uid"] and ready(p)
        )
        assert changed["spec"]["containers"][0]["env"][0]["value"] == "2"
        await cluster.client.delete(PODS, "static-node-1", "default", grace_period_seconds=0)
        again = await pods.wait(
            "static-node-1", lambda p: p["metadata"]["uid"] != changed["metadata"]["uid"] and ready(p)
        )
        assert ids(again) == ids(changed)
        (manifests / "static.yaml").unlink()
        await pods.gone("static-node-1")


async def test_logs_go_through_the_api_server(cluster, kubelet, pods):
    await pods.create("talking", {"containers": [sleeper()]})
    await pods.wait("talking", ready)
    # A container counts as started a moment before its script has said anything.
    async with asyncio.timeout(60):
        body = b""
        while not body:
            answer = await cluster.client.raw("GET", "/api/v1/namespaces/default/pods/talking/log")
            body = answer.body
    assert (answer.status, body) == (200, b"up\n")
