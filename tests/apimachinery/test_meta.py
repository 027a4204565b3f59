import copy
from collections.abc import Iterator
from typing import Any

import pytest

from pynetes.apimachinery import meta
from pynetes.component import clock

POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "web-1",
        "namespace": "default",
        "uid": "u1",
        "resourceVersion": "7",
        "generation": 2,
        "labels": {"app": "web"},
        "ownerReferences": [
            {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "n1"},
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "r1", "controller": True},
        ],
    },
}


@pytest.fixture(autouse=True)
def _fixed_clock() -> Iterator[None]:
    clock.set_wall_clock(lambda: 1_700_000_000.9)
    yield
    clock.set_wall_clock(None)


def test_reading() -> None:
    assert (meta.name(POD), meta.namespace(POD), meta.uid(POD)) == ("web-1", "default", "u1")
    assert (meta.resource_version(POD), meta.generation(POD)) == ("7", 2)
    assert meta.labels(POD) == {"app": "web"}
    assert meta.annotations(POD) == {}
    assert meta.key(POD) == "default/web-1"
    assert meta.key({"metadata": {"name": "n1"}}) == "n1"
    assert meta.split_key("default/web-1") == ("default", "web-1")
    assert meta.split_key("n1") == ("", "n1")


def test_objects_without_metadata_read_as_empty() -> None:
    assert meta.name({}) == meta.key({}) == meta.uid({"metadata": None}) == ""
    assert meta.controller_of({}) is None
    assert not meta.is_deleting({})


def test_the_controller_among_owners() -> None:
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web", "uid": "r1"}}
    found = meta.controller_of(POD)
    assert found is not None
    assert found["uid"] == "r1"
    assert meta.is_controlled_by(POD, owner)
    assert meta.owner_reference(owner) == {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": "web",
        "uid": "r1",
        "controller": True,
        "blockOwnerDeletion": True,
    }
    assert "controller" not in meta.owner_reference(owner, controller=False, block=False)


def test_finalizers_come_and_go() -> None:
    obj: dict[str, Any] = {"metadata": {}}
    assert meta.add_finalizer(obj, "a/b")
    assert not meta.add_finalizer(obj, "a/b")
    assert meta.finalizers(obj) == ["a/b"]
    assert meta.remove_finalizer(obj, "a/b")
    assert not meta.remove_finalizer(obj, "a/b")
    assert obj == {"metadata": {}}


def test_labels_and_annotations_are_set_without_touching_shared_dicts() -> None:
    shared = {"app": "web"}
    obj = {"metadata": {"labels": shared}}
    meta.set_label(obj, "x", "1")
    meta.set_annotation(obj, "y", "2")
    assert shared == {"app": "web"}
    assert obj == {"metadata": {"labels": {"app": "web", "x": "1"}, "annotations": {"y": "2"}}}


def test_a_condition_moves_its_time_only_with_its_status() -> None:
    conditions: list[dict[str, Any]] = []
    assert meta.set_condition(conditions, {"type": "Ready", "status": "True", "reason": "a"})
    assert conditions == [
        {"type": "Ready", "status": "True", "reason": "a", "lastTransitionTime": "2023-11-14T22:13:20Z"}
    ]
    clock.set_wall_clock(lambda: 1_700_000_100.0)
    assert not meta.set_condition(conditions, {"type": "Ready", "status": "True", "reason": "a"})
    assert meta.set_condition(conditions, {"type": "Ready", "status": "True", "reason": "b"})
    assert conditions[0]["lastTransitionTime"] == "2023-11-14T22:13:20Z"
    assert meta.set_condition(conditions, {"type": "Ready", "status": "False", "reason": "b"})
    assert conditions[0]["lastTransitionTime"] == "2023-11-14T22:15:00Z"
    assert not meta.is_condition_true(conditions, "Ready")
    assert meta.get_condition(conditions, "Other") is None
    assert meta.remove_condition(conditions, "Ready")
    assert conditions == []


def test_copies_share_nothing_that_can_change() -> None:
    twin = meta.copy(POD)
    assert twin == POD
    before = copy.deepcopy(POD)
    twin["metadata"]["ownerReferences"][0]["name"] = "x"
    twin["metadata"]["labels"]["app"] = "x"
    assert before == POD
