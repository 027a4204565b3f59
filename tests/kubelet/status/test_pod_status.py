"""The whole status of a pod: what the runtime has, on top of what was known before."""

import pytest

from pynetes.apimachinery import meta
from pynetes.kubelet.runtime.pod_status import ContainerStatus, PodStatus, SandboxStatus, State
from pynetes.kubelet.status.container_statuses import StatusInputs
from pynetes.kubelet.status.pod_status import Eviction, Surroundings, pod_status, sorted_ips

HOST = ("192.0.2.1", "2001:db8::1")


def pod(status=None, **spec):
    metadata = {"name": "p", "namespace": "d", "uid": "u"}
    return {"metadata": metadata, "spec": {"containers": [{"name": "a", "image": "i"}], **spec}, "status": status or {}}


def runtime(state=State.RUNNING, code=0, ips=("10.0.0.1",)):
    containers = [ContainerStatus("1", "a", state, sandbox_id="s", exit_code=code)]
    return PodStatus("u", ips=list(ips), sandboxes=[SandboxStatus("s", True, ips=tuple(ips))], containers=containers)


def probes(pod, status):
    for container in status["containerStatuses"]:
        container["ready"] = container["started"] = "running" in container["state"]


def made(pod, known=None, old=None, *, is_terminal=False, **around):
    surroundings = Surroundings(around.pop("host_ips", HOST), probes, **around)
    return pod_status(pod, known or runtime(), old or {}, StatusInputs(), surroundings, is_terminal=is_terminal)


def test_a_running_pod_is_ready_at_its_addresses():
    status = made(pod())
    assert (status["phase"], status["qosClass"], status["hostIP"]) == ("Running", "BestEffort", HOST[0])
    assert status["podIPs"] == [{"ip": "10.0.0.1"}]
    assert meta.is_condition_true(status["conditions"], "Ready")
    assert [condition["type"] for condition in status["conditions"]] == [
        "PodReadyToStartContainers",
        "Initialized",
        "Ready",
        "ContainersReady",
        "PodScheduled",
    ]


@pytest.mark.parametrize("ended", ["Succeeded", "Failed"])
def test_an_end_is_never_taken_back(ended):
    assert made(pod(), old={"phase": ended})["phase"] == ended
    assert made(pod({"phase": ended}))["phase"] == ended
    stopped = runtime(State.EXITED, code=0 if ended == "Failed" else 1)
    other = made(pod({"phase": ended}, restartPolicy="Never"), stopped, is_terminal=True)
    assert other["phase"] == ended  # whatever its containers' codes say


def test_the_reason_of_a_phase_stays_as_long_as_the_phase():
    old = {"phase": "Running", "reason": "R", "message": "M"}
    kept = made(pod(), old=old)
    assert (kept["reason"], kept["message"]) == ("R", "M")
    assert "reason" not in made(pod(), old={**old, "phase": "Pending"})
    assert made(pod({"reason": "API's"}), old={"phase": "Running"})["reason"] == "API's"


def test_an_eviction_fails_the_pod_unless_it_has_ended():
    eviction = Eviction("Evicted", "no memory")
    status = made(pod(), eviction=eviction)
    assert (status["phase"], status["reason"], status["message"]) == ("Failed", "Evicted", "no memory")
    assert made(pod({"phase": "Succeeded"}), eviction=eviction)["phase"] == "Succeeded"


def test_conditions_of_others_stay_and_a_disruption_that_was_told_is_not_forgotten():
    gate = {"type": "example.com/gate", "status": "True"}
    stale = {"type": "DisruptionTarget", "status": "False"}
    target = {"type": "DisruptionTarget", "status": "True"}
    resize = {"type": "PodResizePending", "status": "True"}
    from_api = {"conditions": [gate, stale, {"type": "Ready", "status": "False"}]}
    conditions = made(pod(from_api), old={"conditions": [target]}, resize_conditions=[resize])["conditions"]
    assert conditions[:3] == [gate, resize, target]
    assert [condition["type"] for condition in conditions].count("Ready") == 1


def test_a_pod_on_the_hosts_network_has_the_hosts_addresses():
    status = made(pod(hostNetwork=True), runtime(ips=()))
    assert status["podIPs"] == [{"ip": ip} for ip in HOST]
    assert "podIP" not in made(pod(), runtime(ips=()))
    assert "hostIP" not in made(pod(), host_ips=())


@pytest.mark.parametrize(
    ("ips", "host_ips", "expected"),
    [
        (["fd00::1", "10.0.0.1"], ["192.0.2.1"], ["10.0.0.1", "fd00::1"]),
        (["10.0.0.1", "fd00::1"], ["2001:db8::1"], ["fd00::1", "10.0.0.1"]),
        (["10.0.0.1", "10.0.0.2"], [], ["10.0.0.1"]),
        ([], HOST, []),
    ],
)
def test_one_address_of_each_family_the_nodes_first(ips, host_ips, expected):
    assert sorted_ips(ips, host_ips) == expected
