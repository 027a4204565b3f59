"""When a container that ended is started again, and when one's end starts all of them again."""

import pytest

from pynetes.kubelet.runtime import restart_policy
from pynetes.kubelet.runtime.pod_status import ContainerStatus, PodStatus, State


def rule(operator, *codes, action="Restart"):
    return {"action": action, "exitCodes": {"operator": operator, "values": list(codes)}}


def container(name="a", policy=None, *rules):
    fields = {"restartPolicy": policy} if policy else {}
    return {"name": name, **fields, **({"restartPolicyRules": list(rules)} if rules else {})}


def pod(*containers, policy="Never", inits=(), **metadata):
    spec = {"containers": list(containers), "initContainers": list(inits), "restartPolicy": policy}
    return {"metadata": {"name": "p", "namespace": "d", **metadata}, "spec": spec}


def ended(name, code, state="exited"):
    return ContainerStatus(name, name, State(state), exit_code=code)


@pytest.mark.parametrize(
    ("own", "rules", "policy", "code", "again"),
    [
        (None, (), "Always", 0, True),
        (None, (), "OnFailure", 0, False),
        (None, (), "OnFailure", 1, True),
        (None, (), "Never", 1, False),
        ("Always", (), "Never", 0, True),
        ("Never", (), "Always", 1, False),
        ("Never", (rule("In", 3),), "Always", 3, True),
        ("Never", (rule("In", 3),), "Always", 4, False),
        ("Never", (rule("NotIn", 3),), "Always", 4, True),
        ("Never", (rule("NotIn", 3),), "Always", 3, False),
        ("Never", ({"action": "Restart"},), "Always", 3, False),
        ("Never", (rule("In", 3, action="RestartAllContainers"),), "Always", 3, True),
        ("Never", (rule("In", 3, action="Strange"), rule("In", 3)), "Always", 3, False),  # the first rule counts
    ],
)
def test_the_containers_policy_and_rules_come_before_the_pods(own, rules, policy, code, again):
    one = container("a", own, *rules)
    assert restart_policy.restarts_after_exit(one, {"restartPolicy": policy}, code) is again
    made = PodStatus("u", containers=[ended("a", code)])
    assert restart_policy.should_be_restarted(one, pod(one, policy=policy), made) is again


@pytest.mark.parametrize(
    ("state", "again"), [("running", False), ("created", True), ("unknown", True), ("exited", False)]
)
def test_what_runs_is_left_and_what_may_run_is_made_anew(state, again):
    made = PodStatus("u", containers=[ended("a", 1, state)])
    assert restart_policy.should_be_restarted(container(), pod(container()), made) is again


def test_what_never_was_is_started_unless_the_pod_goes():
    assert restart_policy.should_be_restarted(container(), pod(container()), PodStatus("u"))
    going = pod(container(), policy="Always", deletionTimestamp="2024-01-01T00:00:00Z")
    assert not restart_policy.should_be_restarted(container(), going, PodStatus("u"))


@pytest.mark.parametrize(
    ("own", "policy", "again"), [(None, "Never", False), ("Always", "Never", True), (None, "", True)]
)
def test_a_failed_probe_knows_no_exit_code(own, policy, again):
    assert restart_policy.restarts_on_failure(container("a", own), {"restartPolicy": policy}) is again


ALL = rule("In", 3, action="RestartAllContainers")


@pytest.mark.parametrize("place", ["containers", "inits"])
@pytest.mark.parametrize(
    ("code", "state", "all_again"), [(3, "exited", True), (4, "exited", False), (3, "running", False)]
)
def test_all_are_restarted_by_the_end_that_a_rule_names(place, code, state, all_again):
    ruled = container("r", "Never", ALL)
    made = pod(container(), inits=[ruled]) if place == "inits" else pod(container(), ruled)
    assert restart_policy.could_restart_all(made["spec"])
    known = PodStatus("u", containers=[ended("r", code, state)])
    assert restart_policy.should_restart_all(made, known, None) is all_again
    # a runtime that is not asked yet: what was last told counts
    shown = {"terminated": {"exitCode": code}} if state == "exited" else {"running": {}}
    told = {"initContainerStatuses" if place == "inits" else "containerStatuses": [{"name": "r", "state": shown}]}
    assert restart_policy.should_restart_all(made, None, told) is all_again


def test_a_restart_of_all_that_is_under_way_goes_on():
    made = pod(container("a", "Never", ALL))
    condition = {"type": "AllContainersRestarting", "status": "True"}
    assert restart_policy.should_restart_all(made, PodStatus("u"), {"conditions": [condition]})
    assert not restart_policy.should_restart_all(
        made, PodStatus("u"), {"conditions": [{**condition, "status": "False"}]}
    )
    assert not restart_policy.should_restart_all(pod(container()), PodStatus("u"), {"conditions": [condition]})
