"""What a pod needs, by table: a spec, what the runtime has, and the answer."""

import pytest

from pynetes.kubelet.runtime.actions import ProbeView
from pynetes.kubelet.runtime.compute_actions import compute_pod_actions, sandbox_changed
from pynetes.kubelet.runtime.labels import container_hash
from pynetes.kubelet.runtime.pod_status import ContainerStatus, PodStatus, SandboxStatus, State


def container(name, **fields):
    return {"name": name, "image": "app:1", **fields}


def sidecar(name, **fields):
    return container(name, restartPolicy="Always", **fields)


def pod(containers=("a", "b"), inits=(), policy="Always", **spec):
    listed = [container(c) if isinstance(c, str) else c for c in containers]
    first = [container(c) if isinstance(c, str) else c for c in inits]
    metadata = {"name": "p", "namespace": "default", "uid": "u"}
    return {
        "metadata": metadata,
        "spec": {"containers": listed, "initContainers": first, "restartPolicy": policy, **spec},
    }


READY = SandboxStatus("s0", ready=True, ips=("10.0.0.1",))


def status(*containers, sandboxes=(READY,)):
    return PodStatus("u", sandboxes=list(sandboxes), containers=list(containers))


def found(name, state="running", exit_code=0, reason="", image="app:1"):
    hash_ = container_hash({"name": name, "image": image})
    return ContainerStatus(f"id-{name}", name, State(state), exit_code=exit_code, reason=reason, hash=hash_)


def starts(actions):
    return actions.init_containers_to_start, actions.containers_to_start


def test_a_new_pod_gets_a_sandbox_and_its_containers():
    actions = compute_pod_actions(pod(), status(sandboxes=()))
    assert (actions.create_sandbox, actions.attempt, actions.sandbox_id) == (True, 0, "")
    assert starts(actions) == ([], [0, 1])


def test_a_new_pod_with_init_containers_starts_the_first_only():
    assert starts(compute_pod_actions(pod(inits=["i", "j"]), status(sandboxes=()))) == ([0], [])


@pytest.mark.parametrize(
    ("sandboxes", "expected"),
    [
        ([], (True, 0, "")),
        ([SandboxStatus("s", ready=True, attempt=2, ips=("10.0.0.1",))], (False, 2, "s")),
        ([SandboxStatus("s", ready=False, attempt=2)], (True, 3, "s")),
        ([SandboxStatus("s", ready=True, attempt=2)], (True, 3, "s")),
        ([SandboxStatus("s", ready=True, attempt=2, host_network=True)], (True, 3, "")),
        ([SandboxStatus("t", ready=True, ips=("1",)), SandboxStatus("s", ready=True, ips=("1",))], (True, 1, "t")),
    ],
)
def test_a_sandbox_is_replaced_when_it_is_dead_doubled_or_without_an_address(sandboxes, expected):
    assert sandbox_changed(pod(), status(sandboxes=sandboxes)) == expected


@pytest.mark.parametrize(
    ("policy", "exit_code", "to_start"),
    [
        ("Always", 0, [0]),
        ("Always", 1, [0]),
        ("OnFailure", 0, []),
        ("OnFailure", 1, [0]),
        ("Never", 0, []),
        ("Never", 1, []),
    ],
)
def test_restart_policy_decides_about_ended_containers(policy, exit_code, to_start):
    actions = compute_pod_actions(pod(policy=policy), status(found("a", "exited", exit_code), found("b")))
    assert actions.containers_to_start == to_start
    assert not actions.kill_pod


def test_a_pod_whose_work_is_done_is_killed():
    actions = compute_pod_actions(pod(policy="Never"), status(found("a", "exited"), found("b", "exited", 1)))
    assert actions.kill_pod
    assert not actions.create_sandbox


def test_a_dead_sandbox_of_a_pod_that_never_restarts_is_not_replaced():
    dead = [SandboxStatus("s", ready=False)]
    actions = compute_pod_actions(pod(policy="Never"), status(found("a", "exited"), sandboxes=dead))
    assert (actions.kill_pod, actions.create_sandbox) == (True, False)


def test_only_what_failed_starts_in_a_new_sandbox():
    dead = [SandboxStatus("s", ready=False)]
    ended = [found("a", "exited", 0), found("b", "exited", 1)]
    actions = compute_pod_actions(pod(policy="OnFailure"), status(*ended, sandboxes=dead))
    assert (actions.create_sandbox, actions.containers_to_start) == (True, [1])


def test_a_changed_image_replaces_the_container_whatever_the_policy():
    actions = compute_pod_actions(pod(policy="Never"), status(found("a", image="app:0"), found("b")))
    kill = actions.containers_to_kill["id-a"]
    assert kill.message == "Container a definition changed, will be restarted"
    assert actions.containers_to_start == [0]


@pytest.mark.parametrize(("policy", "suffix", "to_start"), [("Always", ", will be restarted", [0]), ("Never", "", [])])
def test_a_failed_liveness_probe_kills(policy, suffix, to_start):
    probes = ProbeView(liveness={"containerd://id-a": "failure"})
    actions = compute_pod_actions(pod(policy=policy), status(found("a"), found("b")), probes)
    assert actions.containers_to_kill["id-a"].message == "Container a failed liveness probe" + suffix
    assert actions.containers_to_kill["id-a"].reason == "LivenessProbe"
    assert actions.containers_to_start == to_start


def test_a_failed_startup_probe_kills():
    probes = ProbeView(startup={"containerd://id-b": "failure"})
    actions = compute_pod_actions(pod(), status(found("a"), found("b")), probes)
    assert actions.containers_to_kill["id-b"].reason == "StartupProbe"


def test_an_unknown_container_is_killed_before_its_successor_starts():
    actions = compute_pod_actions(pod(), status(found("a", "unknown"), found("b")))
    assert actions.containers_to_start == [0]
    assert (
        actions.containers_to_kill["id-a"].message == 'Container is in "unknown" state, try killing it before restart'
    )


INIT_CASES = [
    ("nothing yet", [], ([0], []), False),
    ("first runs", [found("i")], ([], []), False),
    ("first done", [found("i", "exited")], ([1], []), False),
    ("first failed", [found("i", "exited", 1)], ([0], []), False),
    ("first ran out of memory", [found("i", "exited", 0, "OOMKilled")], ([0], []), False),
    ("first stuck", [found("i", "created")], ([0], []), False),
    ("last done", [found("j", "exited"), found("i", "exited")], ([], [0, 1]), False),
    ("last done, first forgotten", [found("j", "exited")], ([], [0, 1]), False),
    ("regular runs, inits forgotten", [found("a")], ([], [1]), False),
]


@pytest.mark.parametrize(("case", "containers", "expected", "killed"), INIT_CASES, ids=[c[0] for c in INIT_CASES])
def test_init_containers_run_one_after_another(case, containers, expected, killed):
    actions = compute_pod_actions(pod(inits=["i", "j"]), status(*containers))
    assert (starts(actions), actions.kill_pod) == (expected, killed)


def test_a_failed_init_container_ends_a_pod_that_never_restarts():
    actions = compute_pod_actions(pod(inits=["i"], policy="Never"), status(found("i", "exited", 1)))
    assert actions.kill_pod
    assert starts(actions) == ([], [])


PROBED = sidecar("s", startupProbe={"exec": {}}, livenessProbe={"exec": {}})
SIDE = "containerd://id-s"
SIDECAR_CASES = [
    ("not started yet", [found("s")], ProbeView(), ([], []), None),
    ("started", [found("s")], ProbeView(startup={SIDE: "success"}), ([1], []), None),
    ("startup failed", [found("s")], ProbeView(startup={SIDE: "failure"}), ([0], []), "StartupProbe"),
    (
        "sick before the next started",
        [found("s")],
        ProbeView({SIDE: "failure"}, {SIDE: "success"}),
        ([0, 1], []),
        "LivenessProbe",
    ),
    ("ended", [found("s", "exited")], ProbeView(), ([0], []), None),
    ("ended later", [found("s", "exited"), found("a"), found("b")], ProbeView(), ([0], []), None),
    ("forgotten later", [found("a"), found("b")], ProbeView(), ([0], []), None),
    ("all well", [found("s"), found("a"), found("b")], ProbeView(startup={SIDE: "success"}), ([], []), None),
]


@pytest.mark.parametrize(
    ("case", "containers", "probes", "expected", "killed"), SIDECAR_CASES, ids=[c[0] for c in SIDECAR_CASES]
)
def test_sidecars_gate_what_follows_and_are_kept_running(case, containers, probes, expected, killed):
    actions = compute_pod_actions(pod(inits=[PROBED, "i"]), status(*containers), probes)
    assert starts(actions) == expected
    assert [kill.reason for kill in actions.containers_to_kill.values()] == ([killed] if killed else [])


def test_init_containers_are_resized_while_they_run():
    more, was = {"limits": {"cpu": "2"}}, {"i": {"limits": {"cpu": "1"}}}
    policy = [{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]
    for fields, updated, killed in (({}, ["i"], []), ({"resizePolicy": policy}, [], ["id-i"])):
        wanted = pod(inits=[container("i", resources=more, **fields)])
        actions = compute_pod_actions(wanted, status(found("i")), ProbeView(actuated=was))
        assert [update.name for update in actions.containers_to_update] == updated
        assert list(actions.containers_to_kill) == killed
    ended = compute_pod_actions(wanted, status(found("i", "exited")), ProbeView(actuated=was))
    assert not ended.containers_to_update
    assert not ended.containers_to_kill


def test_sidecars_do_not_keep_a_finished_pod_alive():
    ended = [found("s", "exited"), found("a", "exited"), found("b", "exited")]
    actions = compute_pod_actions(pod(inits=[sidecar("s"), "i"], policy="Never"), status(found("i", "exited"), *ended))
    assert actions.kill_pod
    assert starts(actions) == ([], [])


def test_ephemeral_containers_start_once_and_before_initialization_ends():
    spec = {"ephemeralContainers": [container("e"), container("f")]}
    actions = compute_pod_actions(pod(inits=["i"], **spec), status(found("i"), found("f", "exited", 1)))
    assert actions.ephemeral_containers_to_start == [0]


RULE = {"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}


@pytest.mark.parametrize(("exit_code", "to_start"), [(42, [0]), (1, [])])
def test_exit_code_rules_come_before_policies(exit_code, to_start):
    ruled = container("a", restartPolicy="Never", restartPolicyRules=[RULE])
    actions = compute_pod_actions(pod([ruled, "b"]), status(found("a", "exited", exit_code), found("b")))
    assert actions.containers_to_start == to_start


def test_restarting_all_resets_everything_and_the_one_that_asked_last():
    rule = {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [42]}}
    ruled = container("a", restartPolicy="Never", restartPolicyRules=[rule])
    state = status(found("a", "exited", 42), found("b"), found("i", "exited"))
    actions = compute_pod_actions(pod([ruled, "b"], inits=["i"]), state, restart_all_containers=True)
    assert [(r.name, r.kill) for r in actions.containers_to_reset] == [("b", True), ("i", False), ("a", False)]


def test_a_deleted_pod_starts_nothing():
    doomed = pod()
    doomed["metadata"]["deletionTimestamp"] = "2024-01-01T00:00:00Z"
    assert compute_pod_actions(doomed, status(found("a", "exited"), found("b"))).containers_to_start == []
