"""Pods' lives on a real containerd with a real API server: start, restart, probes, hooks, end."""

import asyncio
import re
from pathlib import Path

import pytest

from pynetes.apis.names import PODS

pytestmark = [pytest.mark.root, pytest.mark.node]


def sleeper(name="main", **fields):
    script = "trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done"
    return {"name": name, "command": ["sh", "-c", script], **fields}


def shell(script, name="main", **fields):
    return {"name": name, "command": ["sh", "-c", script], **fields}


def probe(**what):
    """Looks every second; a busy machine may take long to answer."""
    return {"periodSeconds": 1, "timeoutSeconds": 60, **what}


def condition(pod, type_):
    found = [c for c in pod["status"].get("conditions") or () if c["type"] == type_]
    return found[0]["status"] if found else ""


def ready(pod):
    return condition(pod, "Ready") == "True"


def container(pod, name="main"):
    status = pod["status"]
    listed = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    listed += status.get("ephemeralContainerStatuses") or ()
    found = [c for c in listed if c["name"] == name]
    return found[0] if found else {"state": {}, "lastState": {}, "restartCount": 0}


def terminated(pod, name="main"):
    return container(pod, name)["state"].get("terminated")


async def test_a_pod_runs_shows_its_state_and_ends(kubelet, pods):
    made = await pods.create("one", {"containers": [sleeper()]})
    status = (await pods.wait("one", ready))["status"]
    assert status["phase"] == "Running"
    assert status["podIP"].startswith("10.89.0.")
    assert status["hostIP"] == "127.0.0.1"
    assert status["qosClass"] == "BestEffort"
    assert status["observedGeneration"] == made["metadata"]["generation"]
    types = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
    assert [c["type"] for c in status["conditions"]] == types
    main = status["containerStatuses"][0]
    assert main["containerID"].startswith("containerd://")
    assert main["ready"]
    assert main["started"]
    assert main["restartCount"] == 0
    await pods.delete("one")
    await pods.gone("one")
    assert await pods.event("one", "Killing") == "Stopping container main"
    assert [reason for _, reason, _ in await pods.events("one")] == ["Pulled", "Created", "Started", "Killing"]


async def test_a_pod_that_ends_well_has_succeeded_and_one_that_does_not_has_failed(kubelet, pods):
    await pods.create("good", {"restartPolicy": "Never", "containers": [shell("echo done")]})
    await pods.create("bad", {"restartPolicy": "Never", "containers": [shell("exit 3"), sleeper("other")]})
    good = await pods.wait("good", lambda p: p["status"]["phase"] == "Succeeded")
    assert terminated(good)["reason"] == "Completed"
    assert [c.get("reason") for c in good["status"]["conditions"] if c["type"] == "Ready"] == ["PodCompleted"]
    bad = await pods.wait("bad", terminated)
    assert terminated(bad)["exitCode"] == 3
    assert terminated(bad)["reason"] == "Error"
    assert bad["status"]["phase"] == "Running"
    assert not ready(bad)


async def test_a_crashing_container_restarts_at_once_and_then_backs_off(kubelet, pods):
    await pods.create("crash", {"containers": [shell("echo oops; exit 7", image="registry.test/busybox:1")]})
    pod = await pods.wait(
        "crash", lambda p: container(p)["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff"
    )
    uid = pod["metadata"]["uid"]
    waiting = container(pod)["state"]["waiting"]
    assert waiting["message"] == f"back-off 10s restarting failed container=main pod=crash_default({uid})"
    assert container(pod)["restartCount"] == 1
    assert container(pod)["lastState"]["terminated"]["exitCode"] == 7
    assert pod["status"]["phase"] == "Running"
    message = f"Back-off restarting failed container main in pod crash_default({uid})"
    assert await pods.event("crash", "BackOff") == message


async def test_init_containers_run_in_order_and_sidecars_stay(kubelet, pods, kubelet_config, tmp_path):
    note = [{"name": "shared", "mountPath": "/shared"}]
    spec = {
        "volumes": [{"name": "shared", "emptyDir": {}}],
        "initContainers": [
            shell("echo first >> /shared/log", "first", volumeMounts=note),
            shell(
                "trap 'echo side-ended >> /shared/log; exit 0' TERM; echo side >> /shared/log; touch /tmp/up; "
                "while :; do sleep 0.05; done",
                "side",
                restartPolicy="Always",
                volumeMounts=note,
                startupProbe=probe(exec={"command": ["test", "-f", "/tmp/up"]}),
            ),
            # Nothing tells later that this one runs: whatever follows it must not wait for that.
            shell("trap 'exit 0' TERM; while :; do sleep 0.05; done", "unprobed", restartPolicy="Always"),
            shell("echo second >> /shared/log", "second", volumeMounts=note),
        ],
        "containers": [
            shell(
                "trap 'sleep 0.3; echo main-ended >> /shared/log; exit 0' TERM; echo main >> /shared/log; "
                "while :; do sleep 0.05; done",
                volumeMounts=note,
            )
        ],
        "terminationGracePeriodSeconds": 60,
    }
    await pods.create("ordered", spec)
    pod = await pods.wait("ordered", ready)
    assert container(pod, "side")["state"].get("running")
    assert container(pod, "side")["ready"]
    path = f"{kubelet_config.pods_dir}/{pod['metadata']['uid']}/volumes/kubernetes.io~empty-dir/shared/log"
    # A container counts as started a moment before its script has said anything.
    async with asyncio.timeout(60):
        while len(_lines(path)) < 4:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert _lines(path) == ["first", "side", "second", "main"]
    # The file goes with the volume: another name for it stays.
    kept = tmp_path / "log"
    kept.hardlink_to(path)
    await pods.delete("ordered")
    await pods.gone("ordered")
    assert _lines(kept)[4:] == ["main-ended", "side-ended"]


def _lines(path):
    with open(path) as file:
        return file.read().split()


async def test_a_failing_init_container_of_a_pod_that_never_restarts_fails_the_pod(kubelet, pods):
    spec = {"restartPolicy": "Never", "initContainers": [shell("exit 1", "setup")], "containers": [sleeper()]}
    await pods.create("initfail", spec)
    pod = await pods.wait("initfail", lambda p: p["status"]["phase"] == "Failed")
    assert container(pod)["state"]["waiting"] == {"reason": "PodInitializing"}
    assert condition(pod, "Initialized") == "False"


async def test_readiness_follows_its_probe_and_liveness_restarts(kubelet, pods):
    spec = {
        "containers": [
            sleeper(
                readinessProbe=probe(exec={"command": ["test", "-f", "/tmp/ready"]}),
                livenessProbe=probe(exec={"command": ["sh", "-c", "! test -f /tmp/sick"]}, failureThreshold=1),
            )
        ]
    }
    await pods.create("probed", spec)
    pod = await pods.wait("probed", lambda p: container(p).get("started"))
    assert not ready(pod)
    await _exec(kubelet, pod, "touch /tmp/ready")
    pod = await pods.wait("probed", ready)
    await _exec(kubelet, pod, "touch /tmp/sick")
    pod = await pods.wait("probed", lambda p: container(p)["restartCount"] == 1)
    message = await pods.event("probed", "Unhealthy")
    assert message.startswith(("Readiness probe failed: ", "Liveness probe failed: "))
    assert await pods.event("probed", "Killing") == "Container main failed liveness probe, will be restarted"


async def _exec(kubelet, pod, script):
    container_id = container(pod)["containerID"].removeprefix("containerd://")
    answer = await kubelet.parts.runtime_service.exec_sync(container_id, ["sh", "-c", script])
    assert answer.exit_code == 0, answer.stderr


async def test_http_and_tcp_probes_reach_the_pod(kubelet, pods):
    serve = "mkdir /www; echo ok > /www/healthz; httpd -f -p 8080 -h /www"
    http = probe(httpGet={"path": "/healthz", "port": "web"})
    bad = probe(httpGet={"path": "/missing", "port": 8080})
    tcp = probe(tcpSocket={"port": 8080})
    ports = [{"name": "web", "containerPort": 8080}]
    await pods.create("web", {"containers": [shell(serve, readinessProbe=http, livenessProbe=tcp, ports=ports)]})
    await pods.create("sick", {"containers": [shell(serve, readinessProbe=bad)]})
    await pods.wait("web", ready)
    assert await pods.event("sick", "Unhealthy")
    pod = await pods.wait("sick", lambda p: container(p).get("started"))
    assert not ready(pod)
    messages = {m for _, reason, m in await pods.events("sick") if reason == "Unhealthy"}
    refused = (
        r'Readiness probe failed: Get "http://10\.89\.0\.\d+:8080/missing": dial tcp \S+: connect: connection refused'
    )
    assert all(
        re.fullmatch(rf"{refused}|Readiness probe failed: HTTP probe failed with statuscode: 404", m) for m in messages
    )


async def test_hooks_run_and_a_failing_post_start_hook_kills_the_container(kubelet, pods, kubelet_config):
    hooks = {
        "postStart": {"exec": {"command": ["touch", "/log/started"]}},
        "preStop": {"exec": {"command": ["touch", "/log/stopping"]}},
    }
    mounts = [{"name": "log", "mountPath": "/log"}]
    spec = {
        "containers": [sleeper(lifecycle=hooks, volumeMounts=mounts)],
        "volumes": [
            {
                "name": "log",
                "hostPath": {"path": str(kubelet_config.pod_logs_dir) + "/hooks", "type": "DirectoryOrCreate"},
            }
        ],
        "terminationGracePeriodSeconds": 60,
    }
    await pods.create("hooked", spec)
    await pods.wait("hooked", ready)
    directory = Path(kubelet_config.pod_logs_dir, "hooks")
    assert (directory / "started").exists()
    await pods.delete("hooked")
    await pods.gone("hooked")
    assert (directory / "stopping").exists()
    bad = {"postStart": {"exec": {"command": ["sh", "-c", "echo no; exit 1"]}}}
    await pods.create("badhook", {"containers": [sleeper(lifecycle=bad)]})
    pod = await pods.wait(
        "badhook", lambda p: container(p)["state"].get("waiting", {}).get("reason") == "PostStartHookError"
    )
    assert "exited with 1" in container(pod)["state"]["waiting"]["message"]
    assert await pods.event("badhook", "FailedPostStartHook") == "PostStartHook failed"


async def test_termination_messages_come_from_the_file_or_from_the_log(kubelet, pods):
    spec = {
        "restartPolicy": "Never",
        "containers": [
            shell("echo bye > /dev/termination-log", "file"),
            shell(
                "echo so long; exit 1",
                "log",
                terminationMessagePolicy="FallbackToLogsOnError",
            ),
            shell("echo nothing", "none", terminationMessagePolicy="FallbackToLogsOnError"),
        ],
    }
    await pods.create("messages", spec)
    pod = await pods.wait("messages", lambda p: p["status"]["phase"] == "Failed")
    assert terminated(pod, "file")["message"] == "bye\n"
    assert terminated(pod, "log")["message"] == "so long\n"
    assert "message" not in terminated(pod, "none")


async def test_an_image_that_is_not_there_keeps_its_container_waiting(kubelet, pods):
    await pods.create("noimage", {"containers": [sleeper(image="registry.test/missing:1", imagePullPolicy="Never")]})
    pod = await pods.wait(
        "noimage", lambda p: container(p)["state"].get("waiting", {}).get("reason") == "ErrImageNeverPull"
    )
    message = 'Container image "registry.test/missing:1" is not present with pull policy of Never'
    assert container(pod)["state"]["waiting"]["message"] == message
    assert pod["status"]["phase"] == "Pending"
    await pods.delete("noimage")
    await pods.gone("noimage")


async def test_a_container_waits_for_the_image_that_it_mounts(kubelet, pods):
    source = {"reference": "registry.test/missing:1", "pullPolicy": "Never"}
    main = sleeper(volumeMounts=[{"name": "data", "mountPath": "/data"}])
    await pods.create("novolume", {"containers": [main], "volumes": [{"name": "data", "image": source}]})
    await pods.wait("novolume", lambda p: container(p)["state"].get("waiting", {}).get("reason") == "ErrImageNeverPull")
    await pods.delete("novolume")
    await pods.gone("novolume")


async def test_a_command_that_is_not_there_cannot_run(kubelet, pods):
    await pods.create("nocommand", {"containers": [{"name": "main", "command": ["/nothing"]}]})
    pod = await pods.wait(
        "nocommand", lambda p: container(p)["state"].get("waiting", {}).get("reason") == "RunContainerError"
    )
    assert "no such file or directory" in container(pod)["state"]["waiting"]["message"]


async def test_host_network_pods_have_the_nodes_address(kubelet, pods):
    await pods.create("host", {"hostNetwork": True, "containers": [sleeper()]})
    pod = await pods.wait("host", ready)
    assert pod["status"]["podIP"] == "127.0.0.1"


async def test_a_deadline_ends_the_pod(kubelet, pods):
    await pods.create("deadline", {"activeDeadlineSeconds": 1, "containers": [sleeper()]})
    pod = await pods.wait("deadline", lambda p: p["status"]["phase"] == "Failed")
    assert pod["status"]["reason"] == "DeadlineExceeded"
    assert pod["status"]["message"] == "Pod was active on the node longer than the specified deadline"
    assert await pods.event("deadline", "DeadlineExceeded") == pod["status"]["message"]
    assert [reason for _, reason, _ in await pods.events("deadline")].count("DeadlineExceeded") == 1


async def test_a_pod_the_node_cannot_take_is_rejected(kubelet, pods):
    huge = {"requests": {"cpu": "1000"}}
    await pods.create("huge", {"containers": [sleeper(resources=huge)]})
    pod = await pods.wait("huge", lambda p: p["status"]["phase"] == "Failed")
    assert pod["status"]["reason"] == "OutOfcpu"
    text = r"Pod was rejected: Node didn't have enough resource: cpu, requested: 1000000, used: 0, capacity: \d+"
    assert re.fullmatch(text, pod["status"]["message"])
    await pods.delete("huge")
    await pods.gone("huge")


async def test_an_ephemeral_container_joins_a_running_pod(kubelet, pods, cluster):
    await pods.create("debugged", {"containers": [sleeper()]})
    await pods.wait("debugged", ready)
    extra = {"name": "debug", "image": "registry.test/busybox:1", "command": ["sh", "-c", "ps > /dev/termination-log"]}
    extra["targetContainerName"] = "main"
    patch = {"spec": {"ephemeralContainers": [extra]}}
    await cluster.client.patch(PODS, "debugged", patch, "default", type="strategic", subresource="ephemeralcontainers")
    pod = await pods.wait("debugged", lambda p: terminated(p, "debug"))
    assert "sleep 0.05" in terminated(pod, "debug")["message"]
    assert ready(pod)


async def test_changing_the_image_replaces_the_container(kubelet, pods, cluster, on_node):
    on_node.ctr("images", "tag", "registry.test/busybox:1", "registry.test/busybox:2")
    await pods.create("changed", {"containers": [sleeper()]})
    await pods.wait("changed", ready)
    patch = {"spec": {"containers": [{"name": "main", "image": "registry.test/busybox:2"}]}}
    await cluster.client.patch(PODS, "changed", patch, "default", type="strategic")
    pod = await pods.wait("changed", lambda p: container(p)["restartCount"] == 1 and ready(p))
    assert container(pod)["image"] == "registry.test/busybox:2"
    assert await pods.event("changed", "Killing") == "Container main definition changed, will be restarted"


async def test_resources_and_security_context_reach_the_container(kubelet, pods):
    spec = {
        "restartPolicy": "Never",
        "securityContext": {
            "runAsUser": 1000,
            "runAsGroup": 2000,
            "fsGroup": 3000,
            "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "80"}],
        },
        "containers": [
            shell(
                "exec > /dev/termination-log 2>&1; id; touch /x; cat /proc/sys/net/ipv4/ip_unprivileged_port_start; "
                "cat $(ls /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2> /dev/null); "
                "hostname; tail -n1 /etc/hosts",
                securityContext={
                    "readOnlyRootFilesystem": True,
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                },
                resources={"limits": {"memory": "32Mi", "cpu": "500m"}},
            )
        ],
    }
    await pods.create("secure", spec)
    pod = await pods.wait("secure", lambda p: p["status"]["phase"] == "Succeeded" or terminated(p))
    message = terminated(pod)["message"]
    assert "uid=1000 gid=2000 groups=2000,3000" in message
    assert "Read-only file system" in message
    assert "\n80\n33554432\n" in message
    assert f"secure\n{pod['status']['podIP']}\tsecure\n" in message
    assert pod["status"]["qosClass"] == "Guaranteed"


async def test_out_of_memory_is_told_from_other_ends(kubelet, pods):
    eat = "x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo ${#x}"
    limits = {"limits": {"memory": "20Mi"}}
    await pods.create("hungry", {"restartPolicy": "Never", "containers": [shell(eat, resources=limits)]})
    pod = await pods.wait("hungry", terminated)
    assert terminated(pod)["reason"] == "OOMKilled"


async def test_ten_pods_start_together(kubelet, pods):
    names = [f"many-{number}" for number in range(10)]
    await asyncio.gather(*(pods.create(name, {"containers": [sleeper()]}) for name in names))
    found = await asyncio.gather(*(pods.wait(name, ready) for name in names))
    assert len({pod["status"]["podIP"] for pod in found}) == 10
    await asyncio.gather(*(pods.delete(name) for name in names))
    await asyncio.gather(*(pods.gone(name) for name in names))
