from pynetes.kubelet.status.merge import illegal_transition, merge, normalize, set_transition_times
from pynetes.kubelet.status.patch import status_patch

NOW = "2024-01-01T00:00:00Z"
POD = {"metadata": {"name": "p", "namespace": "d", "uid": "u"}, "spec": {"containers": [{"name": "a"}]}}


def condition(type_, status="True", **fields):
    return {"type": type_, "status": status, **fields}


def test_others_conditions_and_fields_survive():
    old = {"conditions": [condition("Ready"), condition("their/own")], "resourceClaimStatuses": [{"name": "x"}]}
    new = {"phase": "Running", "conditions": [condition("Ready", "False"), condition("stale/one")]}
    merged = merge(POD, old, new, could_be_running=True, now=NOW)
    assert merged["conditions"] == [condition("their/own"), condition("Ready", "False")]
    assert merged["resourceClaimStatuses"] == [{"name": "x"}]


def test_the_end_is_not_told_while_something_may_run():
    old, new = {"phase": "Running"}, {"phase": "Failed", "reason": "Evicted", "message": "m", "conditions": []}
    assert merge(POD, old, new, could_be_running=True, now=NOW)["phase"] == "Running"
    told = merge(POD, old, new, could_be_running=False, now=NOW)
    assert (told["phase"], told["reason"]) == ("Failed", "Evicted")


def test_what_has_ended_is_not_ready():
    new = {"phase": "Succeeded", "conditions": [condition("Ready"), condition("ContainersReady")]}
    merged = merge(POD, {"phase": "Running"}, new, could_be_running=False, now=NOW)
    assert {c["type"]: (c["status"], c["reason"]) for c in merged["conditions"]} == {
        "Ready": ("False", "PodCompleted"),
        "ContainersReady": ("False", "PodCompleted"),
    }


def test_a_disruption_is_told_with_the_end_only():
    new = {"phase": "Failed", "conditions": [condition("DisruptionTarget", lastTransitionTime="x")]}
    assert merge(POD, {"phase": "Running"}, new, could_be_running=True, now=NOW)["conditions"] == []
    told = merge(POD, {"phase": "Running"}, new, could_be_running=False, now=NOW)["conditions"]
    assert told == [condition("DisruptionTarget", lastTransitionTime=NOW)]


def test_transition_times_change_with_the_status_only():
    old = {"conditions": [condition("Ready", lastTransitionTime="before")]}
    same, other = {"conditions": [condition("Ready")]}, {"conditions": [condition("Ready", "False")]}
    set_transition_times(same, old, NOW)
    set_transition_times(other, old, NOW)
    assert same["conditions"][0]["lastTransitionTime"] == "before"
    assert other["conditions"][0]["lastTransitionTime"] == NOW


def test_the_dead_do_not_rise_where_the_policy_forbids_it():
    ended = {"containerStatuses": [{"name": "a", "state": {"terminated": {"exitCode": 1}}}]}
    alive = {"containerStatuses": [{"name": "a", "state": {"running": {}}}]}
    never = {**POD, "spec": {**POD["spec"], "restartPolicy": "Never"}}
    on_failure = {**POD, "spec": {**POD["spec"], "restartPolicy": "OnFailure"}}
    why = "terminated container a attempted illegal transition to non-terminated state"
    assert illegal_transition(never, ended, alive) == why
    assert illegal_transition(on_failure, ended, alive) == ""
    assert illegal_transition(never, ended, ended) == ""


def test_messages_are_cut_to_the_pods_share():
    pod = {**POD, "spec": {"containers": [{"name": "a"}, {"name": "b"}]}}
    status = {"containerStatuses": [{"name": "a", "state": {"terminated": {"message": "x" * 20000}}, "lastState": {}}]}
    normalize(pod, status)
    assert len(status["containerStatuses"][0]["state"]["terminated"]["message"]) == 6144


def test_the_patch_says_only_what_changed():
    old = {
        "phase": "Pending",
        "conditions": [condition("Ready", "False", reason="x", lastProbeTime=None)],
        "hostIP": "1",
    }
    new = {"phase": "Running", "conditions": [condition("Ready"), condition("Initialized")], "hostIP": "1"}
    assert status_patch(old, new) == {
        "phase": "Running",
        "conditions": [{"reason": None, "type": "Ready", "status": "True"}, condition("Initialized")],
    }
    assert status_patch(new, {**new, "conditions": [{**c, "lastProbeTime": None} for c in new["conditions"]]}) == {}


def test_what_is_gone_is_deleted_by_its_key():
    assert status_patch({"podIPs": [{"ip": "1"}]}, {"podIPs": [{"ip": "2"}]}) == {
        "podIPs": [{"ip": "2"}, {"$patch": "delete", "ip": "1"}]
    }
