"""Conditions of a node: texts, transitions, order, events."""

from typing import Any

import pytest

from pynetes.kubelet.node_conditions import Pressures, aggregate, update, without_heartbeats

NOW, BEFORE = "2024-01-02T03:04:05Z", "2024-01-01T00:00:00Z"


def texts(conditions: list[dict[str, Any]]) -> list[tuple[str, str, str, str]]:
    return [(c["type"], c["status"], c["reason"], c["message"]) for c in conditions]


def test_a_new_healthy_node() -> None:
    found = update([], Pressures(), [], NOW)
    assert texts(found.items) == [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ]
    assert {c["lastTransitionTime"] for c in found.items} == {NOW}
    assert found.events == ["NodeHasSufficientMemory", "NodeHasNoDiskPressure", "NodeHasSufficientPID"]


def test_pressures_and_unreadiness() -> None:
    found = update([], Pressures(True, True, True), ["a", "b", "a"], NOW)
    assert texts(found.items) == [
        ("MemoryPressure", "True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available"),
        ("DiskPressure", "True", "KubeletHasDiskPressure", "kubelet has disk pressure"),
        ("PIDPressure", "True", "KubeletHasInsufficientPID", "kubelet has insufficient PID available"),
        ("Ready", "False", "KubeletNotReady", "[a, b]"),
    ]


def test_only_changes_move_the_transition_time_and_are_events() -> None:
    old = [{**c, "lastTransitionTime": BEFORE} for c in update([], Pressures(), [], BEFORE).items]
    same = update(old, Pressures(), [], NOW)
    assert {c["lastTransitionTime"] for c in same.items} == {BEFORE}
    assert {c["lastHeartbeatTime"] for c in same.items} == {NOW}
    assert same.events == []
    assert without_heartbeats(same.items) == without_heartbeats(old)
    changed = update(old, Pressures(disk=True), ["down"], NOW)
    assert [c["type"] for c in changed.items if c["lastTransitionTime"] == NOW] == ["DiskPressure", "Ready"]
    assert changed.events == ["NodeHasDiskPressure", "NodeNotReady"]
    back = update(changed.items, Pressures(), [], NOW)
    assert back.events == ["NodeHasNoDiskPressure", "NodeReady"]


@pytest.mark.parametrize(("errors", "text"), [(["a"], "a"), (["a", "a"], "a"), (["a", "b"], "[a, b]")])
def test_aggregate(errors: list[str], text: str) -> None:
    assert aggregate(errors) == text
