import pytest

from pynetes.kubelet.runtime.pod_status import PodStatus, SandboxStatus
from pynetes.kubelet.status import conditions


def pod(inits=(), gates=()):
    spec = {
        "containers": [{"name": "a"}, {"name": "b"}],
        "initContainers": list(inits),
        "readinessGates": [{"conditionType": gate} for gate in gates],
    }
    return {"metadata": {"name": "p", "namespace": "d", "generation": 4}, "spec": spec}


def shown(name, ready=True, state="running", **fields):
    return {"name": name, "ready": ready, "state": {state: {}}, **fields}


BOTH = [shown("a"), shown("b")]


def test_conditions_carry_the_pods_generation():
    assert conditions.scheduled(pod()) == {"type": "PodScheduled", "status": "True", "observedGeneration": 4}


@pytest.mark.parametrize(
    ("statuses", "phase", "expected"),
    [
        (BOTH, "Running", ("True", None, None)),
        (
            [shown("a", False), shown("b")],
            "Running",
            ("False", "ContainersNotReady", "containers with unready status: [a]"),
        ),
        ([], "Pending", ("False", "ContainersNotReady", "containers with unknown status: [a b]")),
        (
            [shown("b", False)],
            "Pending",
            ("False", "ContainersNotReady", "containers with unknown status: [a], containers with unready status: [b]"),
        ),
        (BOTH, "Succeeded", ("False", "PodCompleted", None)),
        (BOTH, "Failed", ("False", "PodFailed", None)),
    ],
)
def test_containers_ready(statuses, phase, expected):
    for found in (conditions.containers_ready(pod(), statuses, phase), conditions.ready(pod(), [], statuses, phase)):
        assert (found["status"], found.get("reason"), found.get("message")) == expected


def test_readiness_gates():
    gated = pod(gates=["x/y"])
    missing = conditions.ready(gated, [], BOTH, "Running")
    assert missing["reason"] == "ReadinessGatesNotReady"
    assert missing["message"] == 'corresponding condition of pod readiness gate "x/y" does not exist.'
    bad = conditions.ready(gated, [{"type": "x/y", "status": "False"}], BOTH, "Running")
    assert bad["message"] == 'the status of pod readiness gate "x/y" is not "True", but False'
    assert conditions.ready(gated, [{"type": "x/y", "status": "True"}], BOTH, "Running")["status"] == "True"


SIDE = {"name": "s", "restartPolicy": "Always"}


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (
            [shown("i", False, "waiting"), shown("s", started=False)],
            ("False", "containers with incomplete status: [i s]"),
        ),
        ([shown("i", True, "terminated"), shown("s", started=True)], ("True", None)),
        ([], ("False", "containers with unknown status: [i s]")),
        ([shown("i", False, "waiting"), shown("s", started=False), shown("a")], ("True", None)),
    ],
)
def test_initialized(statuses, expected):
    found = conditions.initialized(pod([{"name": "i"}, SIDE]), statuses, "Pending", was_initialized=False)
    assert (found["status"], found.get("message")) == expected


def test_what_was_initialized_stays_so():
    waiting = [shown("i", False, "waiting")]
    assert conditions.initialized(pod([{"name": "i"}]), waiting, "Pending", was_initialized=True)["status"] == "True"


@pytest.mark.parametrize(
    ("sandboxes", "expected"),
    [([], "False"), ([SandboxStatus("s", True, ips=("1",))], "True"), ([SandboxStatus("s", False)], "False")],
)
def test_ready_to_start_containers(sandboxes, expected):
    assert conditions.ready_to_start_containers(pod(), PodStatus("u", sandboxes=sandboxes))["status"] == expected
