"""The phase of a pod, by table."""

import pytest

from pynetes.kubelet.status.phase import pod_phase

RUNNING = {"running": {}}
WAITING = {"waiting": {}}


def ended(code=0):
    return {"terminated": {"exitCode": code}}


def pod(policy="Always", inits=(), **metadata):
    spec = {"restartPolicy": policy, "containers": [{"name": "a"}, {"name": "b"}], "initContainers": list(inits)}
    return {"metadata": {"name": "p", "namespace": "d", **metadata}, "spec": spec}


def shown(name, state, last=None, **fields):
    return {"name": name, "state": state, "lastState": last or {}, **fields}


def phase(pod, *statuses, is_terminal=False, has_initialized=False):
    return pod_phase(pod, statuses, is_terminal=is_terminal, has_initialized=has_initialized)


@pytest.mark.parametrize(
    ("policy", "a", "b", "expected"),
    [
        ("Always", RUNNING, RUNNING, "Running"),
        ("Always", RUNNING, WAITING, "Pending"),
        ("Always", RUNNING, ended(1), "Running"),
        ("Always", ended(), ended(1), "Running"),
        ("OnFailure", ended(), ended(), "Succeeded"),
        ("OnFailure", ended(), ended(1), "Running"),
        ("Never", ended(), ended(), "Succeeded"),
        ("Never", ended(), ended(1), "Failed"),
        ("Never", ended(1), RUNNING, "Running"),
    ],
)
def test_regular_containers(policy, a, b, expected):
    assert phase(pod(policy), shown("a", a), shown("b", b)) == expected


def test_unknown_containers_keep_a_pod_pending():
    assert phase(pod(), shown("a", RUNNING)) == "Pending"


def test_waiting_after_an_end_is_not_pending():
    assert phase(pod(), shown("a", WAITING, ended(1)), shown("b", RUNNING)) == "Running"


@pytest.mark.parametrize(("codes", "expected"), [((0, 0), "Succeeded"), ((0, 1), "Failed")])
def test_a_pod_that_is_ended_has_a_terminal_phase_whatever_its_policy(codes, expected):
    statuses = [shown(name, ended(code)) for name, code in zip("ab", codes, strict=True)]
    assert phase(pod("Always"), *statuses, is_terminal=True) == expected


def test_static_pods_do_not_become_terminal_by_being_ended():
    static = pod("Always", annotations={"kubernetes.io/config.source": "file"})
    assert phase(static, shown("a", ended()), shown("b", ended()), is_terminal=True) == "Running"


INIT = {"name": "i"}
SIDE = {"name": "s", "restartPolicy": "Always"}


@pytest.mark.parametrize(
    ("policy", "state", "last", "expected"),
    [
        ("Always", RUNNING, {}, "Pending"),
        ("Always", ended(1), {}, "Pending"),
        ("Never", ended(1), {}, "Failed"),
        ("Never", WAITING, ended(1), "Failed"),
        ("Always", ended(), {}, "Pending"),
    ],
)
def test_init_containers(policy, state, last, expected):
    waiting = [shown("a", WAITING), shown("b", WAITING)]
    assert phase(pod(policy, [INIT]), shown("i", state, last), *waiting) == expected


def test_a_sidecar_holds_back_until_it_started_but_not_again():
    runs = [shown("a", RUNNING), shown("b", RUNNING)]
    starting = shown("s", RUNNING, started=False)
    assert phase(pod(inits=[SIDE]), starting, *runs) == "Pending"
    assert phase(pod(inits=[SIDE]), starting, *runs, has_initialized=True) == "Running"
    assert phase(pod(inits=[SIDE]), shown("s", RUNNING, started=True), *runs) == "Running"


def test_ended_sidecars_do_not_count():
    done = [shown("a", ended()), shown("b", ended())]
    assert phase(pod("Never", [SIDE]), shown("s", ended(137)), *done) == "Succeeded"
