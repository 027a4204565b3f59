import pytest

from pynetes.kubelet.allocation import larger
from pynetes.kubelet.runtime.resize import how, update

OLD = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "2Gi"}}


def changed(**amounts):
    return {kind: {**OLD[kind], **amounts.get(kind, {})} for kind in OLD}


RESTART = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]


@pytest.mark.parametrize(
    ("resources", "policy", "expected"),
    [
        (OLD, RESTART, ""),
        (changed(limits={"cpu": "2000m", "memory": "2048Mi"}), RESTART, ""),
        (changed(limits={"cpu": "3"}), RESTART, "update"),
        (changed(limits={"memory": "3Gi"}), RESTART, "restart"),
        (changed(requests={"memory": "512Mi"}), RESTART, "restart"),
        (changed(limits={"memory": "3Gi"}), [], "update"),
        (changed(limits={"ephemeral-storage": "1Gi"}), [], ""),
    ],
)
def test_the_policy_decides_how(resources, policy, expected):
    assert how({"name": "c", "resources": resources, "resizePolicy": policy}, OLD) == expected


def test_what_is_not_known_to_differ_stays():
    assert how({"name": "c", "resources": OLD}, None) == ""


def test_shrinking_is_told_for_what_must_be_checked_and_ordered():
    less = update({"name": "c", "resources": changed(limits={"memory": "1Gi"})}, "id", OLD)
    assert (less.shrinks, less.memory_limit) == (True, 1 << 30)
    more = update({"name": "c", "resources": changed(limits={"memory": "4Gi"})}, "id", OLD)
    assert (more.shrinks, more.memory_limit) == (False, None)


def test_the_pod_has_room_for_both_while_it_changes():
    one = {"a": {"limits": {"cpu": "1", "memory": "2Gi"}}, "b": {"limits": {"cpu": "1"}}}
    other = {"a": {"limits": {"cpu": "500m", "memory": "3Gi"}}, "b": {}}
    assert larger(one, other) == {
        "a": {"requests": {}, "limits": {"cpu": "1", "memory": "3Gi"}},
        "b": {"requests": {}, "limits": {}},
    }
