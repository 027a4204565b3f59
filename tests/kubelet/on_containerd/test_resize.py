"""Resources that change while containers run."""

import pytest

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import NODES, PODS

pytestmark = [pytest.mark.root, pytest.mark.node]

SCRIPT = "trap 'exit 0' TERM; while :; do sleep 0.05; done"
LIMIT = "cat $(ls /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2> /dev/null)"


def amounts(cpu, memory):
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu, "memory": memory}}


def container(name="main", resources=None, **fields):
    return {"name": name, "command": ["sh", "-c", SCRIPT], "resources": resources or {}, **fields}


def ready(pod):
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions") or ())


def status(pod, name="main"):
    return next(c for c in pod["status"]["containerStatuses"] if c["name"] == name)


def conditions(pod):
    return {c["type"]: c for c in pod["status"]["conditions"]}


async def resize(cluster, name, field="containers", **containers):
    listed = [{"name": n, "resources": r} for n, r in containers.items()]
    patch = {"spec": {field: listed}}
    await cluster.client.patch(PODS, name, patch, "default", type="strategic", subresource="resize")


async def memory_limit(kubelet, pod, name="main"):
    container_id = status(pod, name)["containerID"].removeprefix("containerd://")
    return int((await kubelet.parts.runtime_service.exec_sync(container_id, ["sh", "-c", LIMIT])).stdout)


async def test_containers_get_more_and_less_without_a_restart(cluster, kubelet, pods):
    small, big = amounts("100m", "32Mi"), amounts("200m", "64Mi")
    await pods.create("resized", {"containers": [container("a", small), container("b", big)]})
    before = await pods.wait("resized", ready)
    await resize(cluster, "resized", a=big, b=small)
    after = await pods.wait(
        "resized", lambda p: status(p, "a").get("resources") == big and status(p, "b").get("resources") == small
    )
    assert [status(after, n)["containerID"] for n in "ab"] == [status(before, n)["containerID"] for n in "ab"]
    assert status(after, "a")["allocatedResources"] == big["requests"]
    assert await memory_limit(kubelet, after, "a") == 64 << 20
    assert await memory_limit(kubelet, after, "b") == 32 << 20
    assert not {"PodResizePending", "PodResizeInProgress"} & conditions(after).keys()
    assert after["status"]["observedGeneration"] == after["metadata"]["generation"]
    assert (await pods.event("resized", "ResizeCompleted")).startswith("Pod resize completed: {")


async def test_a_container_whose_policy_says_so_restarts(cluster, kubelet, pods):
    policy = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]
    small, big = amounts("100m", "32Mi"), amounts("100m", "64Mi")
    await pods.create("restarted", {"containers": [container("main", small, resizePolicy=policy)]})
    await pods.wait("restarted", ready)
    await resize(cluster, "restarted", main=big)
    after = await pods.wait("restarted", lambda p: status(p)["restartCount"] == 1 and ready(p))
    assert status(after)["resources"] == big
    assert await memory_limit(kubelet, after) == 64 << 20
    assert await pods.event("restarted", "Killing") == "Container main resize requires restart"


async def test_an_init_container_is_resized_while_it_runs(cluster, kubelet, pods):
    small, big = amounts("100m", "32Mi"), amounts("200m", "64Mi")
    await pods.create("preparing", {"initContainers": [container("first", small)], "containers": [container()]})

    def first(pod):
        return (pod["status"].get("initContainerStatuses") or [{}])[0]

    before = await pods.wait("preparing", lambda p: "running" in first(p).get("state", {}))
    await resize(cluster, "preparing", "initContainers", first=big)
    after = await pods.wait("preparing", lambda p: first(p).get("resources") == big)
    assert first(after)["containerID"] == first(before)["containerID"]
    container_id = first(after)["containerID"].removeprefix("containerd://")
    shown = (await kubelet.parts.runtime_service.exec_sync(container_id, ["sh", "-c", LIMIT])).stdout
    assert int(shown) == 64 << 20
    await pods.event("preparing", "ResizeCompleted")


async def test_a_resize_without_room_waits_for_it(cluster, kubelet, pods):
    small = amounts("100m", "32Mi")
    await pods.create("neighbour", {"containers": [container("main", small)]})
    await pods.create("waiting", {"containers": [container("main", small)]})
    for name in ("neighbour", "waiting"):
        await pods.wait(name, ready)
    allocatable = (await cluster.client.get(NODES, kubelet.config.node_name))["status"]["allocatable"]["cpu"]
    with pytest.raises(StatusError, match="node didn't have enough allocatable resources: cpu, requested: 1000000"):
        await resize(cluster, "waiting", main=amounts("1000", "32Mi"))
    await resize(cluster, "waiting", main=amounts(allocatable, "32Mi"))
    pod = await pods.wait("waiting", lambda p: "PodResizePending" in conditions(p))
    pending = conditions(pod)["PodResizePending"]
    assert pending["reason"] == "Deferred"
    assert pending["message"].startswith("Node didn't have enough resource: cpu, requested: ")
    assert pending["observedGeneration"] == pod["metadata"]["generation"]
    assert status(pod)["resources"] == small
    await resize(cluster, "waiting", main=small)
    await pods.wait("waiting", lambda p: "PodResizePending" not in conditions(p))


async def test_memory_in_use_is_not_taken_away(cluster, kubelet, pods):
    eat = "x=$(head -c 20000000 /dev/zero | tr '\\0' x); touch /tmp/full; while :; do sleep 0.05; done"
    probe = {"exec": {"command": ["test", "-f", "/tmp/full"]}, "periodSeconds": 1, "timeoutSeconds": 60}
    eater = {
        "name": "main",
        "command": ["sh", "-c", eat],
        "resources": amounts("500m", "256Mi"),
        "readinessProbe": probe,
    }
    await pods.create("eater", {"containers": [eater]})
    await pods.wait("eater", ready)
    await resize(cluster, "eater", main=amounts("500m", "8Mi"))
    pod = await pods.wait("eater", lambda p: conditions(p).get("PodResizeInProgress", {}).get("reason") == "Error")
    message = conditions(pod)["PodResizeInProgress"]["message"]
    assert message.startswith(
        'cannot decrease memory limits: attempting to set container "main" memory limit (8388608)'
    )
    assert status(pod)["restartCount"] == 0
