import pytest
from controller_objects import NOW, pod, replica_set, stamp

from pynetes.controllers.replicaset import status


def test_counts():
    owner = replica_set(replicas=4)
    owner["spec"]["minReadySeconds"] = 10
    labels = {"app": "x"}
    pods = [
        pod("available", labels=labels),
        pod("ready", labels=labels, ready_for=5),
        pod("starting", labels=labels, ready=False),
        pod("other-labels", ready=False),
    ]
    assert status.calculate(owner, pods, 2, None, NOW) == {
        "replicas": 4,
        "fullyLabeledReplicas": 3,
        "readyReplicas": 2,
        "availableReplicas": 1,
        "observedGeneration": 1,
        "terminatingReplicas": 2,
    }


def test_zeros_stay_off_the_wire_but_for_replicas():
    assert status.calculate(replica_set(replicas=0), [], None, None, NOW) == {"replicas": 0, "observedGeneration": 1}


@pytest.mark.parametrize(("pods", "reason"), [(0, "FailedCreate"), (2, "FailedDelete")])
def test_a_failure_becomes_a_condition_and_goes_again(pods, reason):
    owner = replica_set(replicas=1)
    new = status.calculate(owner, [pod(str(i)) for i in range(pods)], None, RuntimeError("no quota"), NOW)
    expected = {
        "type": "ReplicaFailure",
        "status": "True",
        "lastTransitionTime": stamp(),
        "reason": reason,
        "message": "no quota",
    }
    assert new["conditions"] == [expected]
    owner["status"] = new
    again = status.calculate(owner, [], None, RuntimeError("another"), NOW)
    assert again["conditions"] == [expected]
    assert "conditions" not in status.calculate(owner, [pod()], None, None, NOW)


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({}, False),
        ({"readyReplicas": 1}, True),
        ({"terminatingReplicas": 1}, True),
        ({"observedGeneration": 2}, True),
        ({"conditions": []}, False),
        ({"conditions": [{"type": "ReplicaFailure"}]}, True),
        ({"fullyLabeledReplicas": 0}, False),
    ],
)
def test_a_status_is_written_only_when_it_differs(change, differs):
    base = {"replicas": 2, "observedGeneration": 1, "terminatingReplicas": 0}
    assert status.differs(base, {**base, **change}) is differs
