"""Statuses of containers: what the runtime knows, on top of what was last said."""

from pynetes.kubelet.runtime.labels import container_hash
from pynetes.kubelet.runtime.pod_status import ContainerStatus, PodStatus, SandboxStatus, State
from pynetes.kubelet.status.container_statuses import StatusInputs, container_statuses

SECOND = 1_000_000_000


def pod(*names, policy="Always", inits=(), deleting=False, **fields):
    metadata = {"name": "p", "namespace": "d", "uid": "u"}
    if deleting:
        metadata["deletionTimestamp"] = "2024-01-01T00:00:00Z"
    spec = {
        "restartPolicy": policy,
        "containers": [{"name": n, "image": "app", **fields} for n in names],
        "initContainers": [{"name": n, "image": "app"} for n in inits],
    }
    return {"metadata": metadata, "spec": spec}


def found(name, state=State.RUNNING, number=0, **fields):
    defaults = {
        "image": "docker.io/library/app:latest",
        "image_ref": "sha256:1",
        "started_at": SECOND,
        "created_at": number,
    }
    hash_ = container_hash({"name": name, "image": "app"})
    return ContainerStatus(f"{name}{number}", name, state, hash=hash_, **{**defaults, **fields})


def made(pod, *containers, old=(), kind="containers", **inputs):
    newest_first = sorted(containers, key=lambda c: -c.created_at)
    runtime = PodStatus("u", sandboxes=[SandboxStatus("s", True)], containers=newest_first)
    return container_statuses(pod, kind, runtime, old, StatusInputs(**inputs))


def test_containers_not_made_yet_wait():
    assert made(pod("b", "a")) == [
        {
            "name": name,
            "state": {"waiting": {"reason": "ContainerCreating"}},
            "lastState": {},
            "ready": False,
            "restartCount": 0,
            "image": "app",
            "imageID": "",
        }
        for name in ("a", "b")
    ]
    assert made(pod("a", inits=["i"]))[0]["state"] == {"waiting": {"reason": "PodInitializing"}}


def test_a_running_container():
    status = made(pod("a"), found("a"))[0]
    assert status["state"] == {"running": {"startedAt": "1970-01-01T00:00:01Z"}}
    assert status["containerID"] == "containerd://a0"
    assert status["image"] == "docker.io/library/app:latest"
    assert status["imageID"] == "sha256:1"
    assert status["resources"] == {}
    assert "allocatedResources" not in status


def test_requests_are_shown_as_allocated():
    resources = {"requests": {"cpu": "1"}, "limits": {"cpu": "2"}}
    status = made(pod("a", resources=resources), found("a"))[0]
    assert status["resources"] == resources
    assert status["allocatedResources"] == {"cpu": "1"}


def test_the_instance_before_is_the_last_state():
    before = found("a", State.EXITED, 1, exit_code=3, reason="Error", message="oops", finished_at=2 * SECOND)
    status = made(pod("a"), before, found("a", number=2, restart_count=1))[0]
    assert status["restartCount"] == 1
    assert status["lastState"] == {
        "terminated": {
            "exitCode": 3,
            "reason": "Error",
            "message": "oops",
            "startedAt": "1970-01-01T00:00:01Z",
            "finishedAt": "1970-01-01T00:00:02Z",
            "containerID": "containerd://a1",
        }
    }


def test_what_could_not_start_says_why_and_keeps_its_last_end():
    ended = found("a", State.EXITED, 1, exit_code=1)
    errors = {"a": ("CrashLoopBackOff", "back-off 10s")}
    status = made(pod("a"), ended, start_errors=errors)[0]
    assert status["state"] == {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    assert status["lastState"]["terminated"]["exitCode"] == 1
    never = made(pod("a", policy="Never"), ended, start_errors=errors)[0]
    assert "terminated" in never["state"]


def test_a_running_container_that_vanished_counts_as_restarted():
    old = [{"name": "a", "state": {"running": {}}, "lastState": {}, "restartCount": 1}]
    status = made(pod("a"), old=old)[0]
    assert status["restartCount"] == 2
    assert status["lastState"]["terminated"]["reason"] == "ContainerStatusUnknown"
    assert made(pod("a", deleting=True), old=old)[0]["restartCount"] == 1


def test_an_end_that_was_told_is_not_forgotten():
    told = {"name": "a", "state": {"terminated": {"exitCode": 4}}, "lastState": {}, "restartCount": 2}
    assert made(pod("a", policy="Never"), old=[told])[0] == told


def test_a_forgotten_init_container_ended_well_if_others_came_after_it():
    status = made(pod("a", inits=["i"]), found("a"), kind="initContainers")[0]
    assert status["state"]["terminated"]["reason"] == "Completed"
    assert made(pod("a", inits=["i"]), kind="initContainers")[0]["state"]["waiting"]


def test_volume_mounts_tell_whether_read_only_goes_all_the_way():
    mounts = [
        {"name": "v", "mountPath": "/v"},
        {"name": "w", "mountPath": "/w", "readOnly": True, "recursiveReadOnly": "IfPossible"},
    ]
    plain = made(pod("a", volumeMounts=mounts))[0]["volumeMounts"]
    assert plain[0] == {"name": "v", "mountPath": "/v"}
    assert plain[1]["recursiveReadOnly"] == "Disabled"
    possible = made(pod("a", volumeMounts=mounts), recursive_read_only=True)[0]["volumeMounts"]
    assert possible[1]["recursiveReadOnly"] == "Enabled"
