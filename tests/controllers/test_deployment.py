"""Rollout decisions, by table."""

import re

import pytest
from controller_objects import NOW, deployment, pod, replica_set, stamp

from pynetes.controllers.deployment import annotations, rollout, sizes, status, template
from pynetes.controllers.deployment.rollout import Revisions, Scale

BASE = deployment()["spec"]["template"]


# -- templates


def test_the_hash_is_stable_safe_and_ignores_its_own_label():
    first = template.template_hash(BASE, None)
    assert re.fullmatch("[bcdfghjklmnpqrstvwxz2456789]{1,10}", first)
    labelled = {**BASE, "metadata": {"labels": {"app": "x", "pod-template-hash": first}}}
    assert template.template_hash(labelled, None) == first
    assert template.template_hash(BASE, 0) != first
    assert template.template_hash(BASE, 1) != template.template_hash(BASE, 0)
    assert template.template_hash(deployment(image="v3")["spec"]["template"], None) != first


def test_fnv32a():
    assert template.fnv32a(b"") == 0x811C9DC5
    assert template.fnv32a(b"foobar") == 0xBF9CF968


def with_container(**fields):
    return {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": "v2", **fields}]}}


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (BASE, with_container(), True),
        (BASE, with_container(env=[]), True),
        (BASE, with_container(env=None), True),
        (BASE, with_container(securityContext={}), False),
        (BASE, with_container(image="v3"), False),
        (
            with_container(resources={"limits": {"cpu": "1"}}),
            with_container(resources={"limits": {"cpu": "1000m"}}),
            True,
        ),
        (with_container(resources={"limits": {"cpu": "1"}}), with_container(resources={"limits": {"cpu": "2"}}), False),
        (BASE, {**BASE, "metadata": {**BASE["metadata"], "creationTimestamp": None}}, True),
        (BASE, {**BASE, "metadata": {**BASE["metadata"], "annotations": {"a": "b"}}}, False),
    ],
)
def test_when_templates_are_the_same(a, b, same):
    assert template.same_template(a, b) is same
    assert template.same_template(b, a) is same


def test_long_names_are_cut():
    assert template.replica_set_name("web", "abc") == "web-abc"
    assert len(template.replica_set_name("w" * 253, "abcdef")) == 253


# -- sizes


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        (10, "25%", "25%", (3, 2)),
        (3, "25%", "25%", (1, 0)),
        (1, "25%", "25%", (1, 0)),
        (1, 0, "1%", (0, 1)),
        (2, 0, "1%", (0, 1)),
        (10, 3, 2, (3, 2)),
        (0, "25%", "25%", (0, 0)),
        (2, 0, 5, (0, 2)),
    ],
)
def test_surge_and_unavailability(replicas, surge, unavailable, expected):
    d = deployment(replicas, surge=surge, unavailable=unavailable)
    assert (sizes.max_surge(d), sizes.max_unavailable(d)) == expected


def test_recreate_knows_neither():
    d = deployment(strategy="Recreate")
    assert (sizes.max_surge(d), sizes.max_unavailable(d), sizes.min_available(d)) == (0, 0, 0)


# -- rolling update: one step at a time, with the numbers of the ReplicaSets before it


def revisions(new, *old):
    return Revisions(new, list(old))


NEW = {"image": "v2", "age": 1}
ROLLS = {
    "the first step goes up by the surge": (
        deployment(10, surge=3, unavailable=2),
        revisions(replica_set("new", 0, **NEW), replica_set("old", 10)),
        [Scale("new", 3)],
    ),
    "surge used up: old ones go down to the minimum": (
        deployment(10, surge=3, unavailable=2),
        revisions(replica_set("new", 3, available=0, **NEW), replica_set("old", 10)),
        [Scale("old", 8)],
    ),
    "room again: up": (
        deployment(10, surge=3, unavailable=2),
        revisions(replica_set("new", 3, available=0, **NEW), replica_set("old", 8)),
        [Scale("new", 5)],
    ),
    "nothing is available yet: wait": (
        deployment(10, surge=3, unavailable=2),
        revisions(replica_set("new", 5, available=0, **NEW), replica_set("old", 8)),
        [],
    ),
    "new ones became available: old ones go": (
        deployment(10, surge=3, unavailable=2),
        revisions(replica_set("new", 5, **NEW), replica_set("old", 8)),
        [Scale("old", 3)],
    ),
    "unhealthy old replicas go first": (
        deployment(10, surge=3, unavailable=2),
        revisions(
            replica_set("new", 3, available=0, **NEW),
            replica_set("sick", 5, available=2, age=200),
            replica_set("well", 5, age=100),
        ),
        [Scale("sick", 3)],
    ),
    "the oldest goes first": (
        deployment(4, surge=0, unavailable=1),
        revisions(replica_set("new", 0, **NEW), replica_set("a", 2, age=300), replica_set("b", 2, age=200)),
        [Scale("a", 1)],
    ),
    "done": (deployment(3), revisions(replica_set("new", 3, **NEW), replica_set("old", 0)), []),
    "too many new ones": (deployment(2), revisions(replica_set("new", 3, **NEW)), [Scale("new", 2)]),
    "scaled to zero": (
        deployment(0),
        revisions(replica_set("new", 0, **NEW), replica_set("old", 2)),
        [Scale("old", 0)],
    ),
}


@pytest.mark.parametrize("case", ROLLS)
def test_a_step_of_a_rolling_update(case):
    d, given, expected = ROLLS[case]
    steps = rollout.roll(d, given)
    final = {step.name: step.to for step in steps}
    assert final == {step.name: step.to for step in expected}


@pytest.mark.parametrize(("surge", "unavailable"), [("25%", "25%"), (1, 0), (0, 1), (3, 2), ("100%", 0), (0, "100%")])
@pytest.mark.parametrize("replicas", [1, 2, 3, 10])
def test_a_whole_rollout_ends_and_keeps_its_bounds(replicas, surge, unavailable):
    d = deployment(replicas, surge=surge, unavailable=unavailable)
    new, old = replica_set("new", 0, **NEW), replica_set("old", replicas)
    for _ in range(4 * replicas + 4):
        for step in rollout.roll(d, revisions(new, old)):
            for rs in (new, old):
                if rs["metadata"]["name"] == step.name:
                    rs["spec"]["replicas"] = step.to
                    rs["status"]["availableReplicas"] = min(rs["status"]["availableReplicas"], step.to)
        available = sizes.counted([new, old], "availableReplicas")
        assert available >= sizes.min_available(d)
        assert sizes.total([new, old]) <= replicas + sizes.max_surge(d)
        if new["status"]["availableReplicas"] < new["spec"]["replicas"]:
            new["status"]["availableReplicas"] += 1  # one pod becomes ready at a time
    assert (new["spec"]["replicas"], old["spec"]["replicas"]) == (replicas, 0)


# -- scaling


def sized(name, replicas, maximum, **kwargs):
    notes = annotations.sizes(maximum, maximum)
    return replica_set(name, replicas, annotations=notes, **kwargs)


SCALES = {
    "only one has pods": (deployment(5), revisions(replica_set("new", 3, **NEW), replica_set("old", 0)), {"new": 5}),
    "none has pods: the new one": (
        deployment(5),
        revisions(replica_set("new", 0, **NEW), replica_set("old", 0)),
        {"new": 5},
    ),
    "none has pods nor is new: the latest": (
        deployment(5),
        revisions(None, replica_set("a", 0, age=300), replica_set("b", 0, age=200)),
        {"b": 5},
    ),
    "nothing changed": (deployment(3), revisions(replica_set("new", 3, **NEW)), {}),
    "nothing there": (deployment(3), revisions(None), {}),
    "the new one carries all": (
        deployment(3),
        revisions(sized("new", 3, 3, **NEW), replica_set("old", 2)),
        {"old": 0},
    ),
    "both grow in proportion": (
        deployment(20, surge=0, unavailable=1),
        revisions(sized("new", 5, 10, **NEW, available=0), sized("old", 5, 10)),
        {"new": 10, "old": 10},
    ),
    "what rounding leaves goes to the largest": (
        deployment(6, surge=0, unavailable=1),
        revisions(sized("new", 2, 5, **NEW, available=0), sized("old", 3, 5)),
        {"new": 2, "old": 4},
    ),
    "both shrink in proportion": (
        deployment(5, surge=0, unavailable=1),
        revisions(sized("new", 5, 10, **NEW, available=0), sized("old", 5, 10)),
        {"new": 3, "old": 2},
    ),
    "to nothing": (
        deployment(0),
        revisions(sized("new", 5, 10, **NEW, available=0), sized("old", 5, 10)),
        {"new": 0, "old": 0},
    ),
}


@pytest.mark.parametrize("case", SCALES)
def test_a_change_of_size(case):
    d, given, expected = SCALES[case]
    assert {step.name: step.to for step in rollout.scale(d, given)} == expected


def test_a_scaling_event_is_told_by_the_noted_size():
    d = deployment(5)
    assert rollout.is_scaling_event(d, revisions(sized("new", 3, 3, **NEW)))
    assert not rollout.is_scaling_event(d, revisions(sized("new", 5, 5, **NEW)))
    assert not rollout.is_scaling_event(d, revisions(sized("new", 0, 3, **NEW)))
    assert not rollout.is_scaling_event(d, revisions(replica_set("new", 3, **NEW)))


# -- revisions and history


def test_the_oldest_of_equal_templates_is_the_new_one():
    d = deployment(image="v2")
    sets = [replica_set("b", image="v2", age=1), replica_set("a", image="v2", age=5), replica_set("c", image="v1")]
    found = rollout.classify(d, sets)
    assert found.new["metadata"]["name"] == "a"
    assert [rs["metadata"]["name"] for rs in found.old] == ["b", "c"]


def test_a_new_revision_is_one_more_than_the_highest():
    old = [replica_set(annotations={annotations.REVISION: n}) for n in ("1", "7", "x")]
    assert annotations.next_revision(old) == 8
    assert annotations.next_revision([]) == 1


def test_revisions_have_64_bits():
    """Clients count on with dates in nanoseconds, which sizes' 32 bits do not hold."""
    old = replica_set(annotations={annotations.REVISION: "3546343826724305832"})
    assert annotations.next_revision([old]) == 3546343826724305833
    current = {annotations.REVISION: "3546343826724305832"}
    changed = annotations.for_new_replica_set(deployment(), current, 3546343826724305833)
    assert changed[annotations.REVISION] == "3546343826724305833"


@pytest.mark.parametrize(
    ("current", "number", "expected"),
    [
        ({}, 1, {annotations.REVISION: "1"}),
        ({annotations.REVISION: "3"}, 2, {annotations.REVISION: "3"}),
        ({annotations.REVISION: "3"}, 5, {annotations.REVISION: "5", annotations.REVISION_HISTORY: "3"}),
        (
            {annotations.REVISION: "5", annotations.REVISION_HISTORY: "1,3"},
            9,
            {annotations.REVISION: "9", annotations.REVISION_HISTORY: "1,3,5"},
        ),
    ],
)
def test_revisions_on_the_new_replica_set(current, number, expected):
    d = deployment()
    d["metadata"]["annotations"] = {
        "kept": "yes",
        annotations.REVISION: "99",
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
    }
    assert annotations.for_new_replica_set(d, current, number) == {"kept": "yes", **expected}


def test_a_long_history_forgets_its_oldest():
    history = ",".join(str(n) for n in range(1000, 1400))
    out = annotations.for_new_replica_set(
        deployment(), {annotations.REVISION: "1400", annotations.REVISION_HISTORY: history}, 1401
    )[annotations.REVISION_HISTORY]
    assert len(out) <= 2000
    assert out.endswith(",1399,1400")


def test_surplus_history_goes_by_revision_and_only_if_empty():
    d = deployment(revisionHistoryLimit=1)
    old = [replica_set(f"r{n}", 0, annotations={annotations.REVISION: str(n)}) for n in (2, 10, 1)]
    old[0]["status"]["replicas"] = 1
    assert [rs["metadata"]["name"] for rs in rollout.surplus_history(d, old)] == ["r1"]
    assert rollout.surplus_history(deployment(revisionHistoryLimit=2**31 - 1), old) == []


# -- recreate


def test_recreate_waits_for_old_pods():
    new, old = replica_set("new", 0, **NEW), replica_set("old", 0)
    given = revisions(new, old)
    assert rollout.old_pods_running(given, {"uid-old": [pod(phase="Running")]})
    assert not rollout.old_pods_running(given, {"uid-old": [pod(phase="Succeeded")], "uid-new": [pod()]})
    old["status"]["replicas"] = 1
    assert rollout.old_pods_running(given, {})


# -- status


def progressing(reason, status_="True", age=0.0):
    return {
        "type": "Progressing",
        "status": status_,
        "reason": reason,
        "message": "",
        "lastUpdateTime": stamp(age),
        "lastTransitionTime": stamp(age),
    }


def outcome(d, given):
    new = status.rollout_status(d, given, NOW)
    found = {c["type"]: (c["status"], c["reason"], c["message"]) for c in new["conditions"]}
    return new, found


def test_a_finished_rollout():
    d = deployment(3, status={"replicas": 3, "updatedReplicas": 3, "availableReplicas": 2, "readyReplicas": 2})
    new, found = outcome(d, revisions(replica_set("new", 3, **NEW)))
    assert found == {
        "Available": ("True", "MinimumReplicasAvailable", "Deployment has minimum availability."),
        "Progressing": ("True", "NewReplicaSetAvailable", 'ReplicaSet "new" has successfully progressed.'),
    }
    assert (new["updatedReplicas"], new["availableReplicas"]) == (3, 3)
    assert "unavailableReplicas" not in new
    assert new["terminatingReplicas"] == 0


def test_progress_and_its_absence():
    given = revisions(replica_set("new", 3, available=1, **NEW))
    moved, found = outcome(deployment(3, status={"conditions": [progressing("NewReplicaSetCreated", age=50)]}), given)
    assert found["Progressing"] == ("True", "ReplicaSetUpdated", 'ReplicaSet "new" is progressing.')
    assert found["Available"][:2] == ("False", "MinimumReplicasUnavailable")
    assert moved["conditions"][-1]["lastTransitionTime"] == stamp(50)
    assert moved["conditions"][-1]["lastUpdateTime"] == stamp()

    stuck = {**moved, "conditions": [progressing("ReplicaSetUpdated", age=601)]}
    _, found = outcome(deployment(3, status=stuck), given)
    assert found["Progressing"] == ("False", "ProgressDeadlineExceeded", 'ReplicaSet "new" has timed out progressing.')

    waiting = {**moved, "conditions": [progressing("ReplicaSetUpdated", age=599)]}
    d = deployment(3, status=waiting)
    new, found = outcome(d, given)
    assert found["Progressing"][1] == "ReplicaSetUpdated"
    assert status.seconds_to_deadline(d, new, NOW) == 2


def test_without_a_deadline_there_is_no_progress_to_report():
    _, found = outcome(deployment(3, progressDeadlineSeconds=2**31 - 1), revisions(replica_set("new", 1, **NEW)))
    assert "Progressing" not in found


def test_a_replica_sets_failure_is_passed_on_and_taken_back():
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"}
    failing = replica_set("new", 0, **NEW, status={"conditions": [failure]})
    new, found = outcome(deployment(3), revisions(failing))
    assert found["ReplicaFailure"] == ("True", "FailedCreate", "quota")
    _, found = outcome(deployment(3, status=new), revisions(replica_set("new", 0, **NEW)))
    assert "ReplicaFailure" not in found


@pytest.mark.parametrize(
    ("paused", "reason", "expected"),
    [
        (True, None, "DeploymentPaused"),
        (True, "DeploymentPaused", None),
        (False, "DeploymentPaused", "DeploymentResumed"),
        (False, "ReplicaSetUpdated", None),
        (True, "ProgressDeadlineExceeded", None),
    ],
)
def test_pausing_is_noted(paused, reason, expected):
    conditions = [progressing(reason)] if reason else []
    found = status.pause_condition(deployment(paused=paused, status={"conditions": conditions}), NOW)
    assert (found and found["reason"]) == expected


def test_absent_and_zero_are_the_same_status():
    assert status.same({"replicas": 0, "conditions": []}, {})
    assert not status.same({"terminatingReplicas": 0}, {})
    assert not status.same({"replicas": 1}, {})
