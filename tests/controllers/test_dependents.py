"""Whose sync a change of a dependent concerns, and what the controller notes of it."""

import pytest

from pynetes.apis.names import PODS, REPLICA_SETS
from pynetes.client.informer import Informer
from pynetes.client.rest import Client
from pynetes.client.watch import WatchEvent
from pynetes.controllers.podcontrol.dependents import Dependents


def owner(name, selector):
    metadata = {"namespace": "ns", "name": name, "uid": f"uid-{name}", "resourceVersion": "1"}
    return {"metadata": metadata, "spec": {"selector": selector}}


def pod(owned_by=None, *, kind="ReplicaSet", uid="", app="web", deleting=False, version="1"):
    metadata = {"namespace": "ns", "name": "p", "uid": "uid-p", "resourceVersion": version, "labels": {"app": app}}
    if owned_by:
        reference = {"kind": kind, "name": owned_by, "uid": uid or f"uid-{owned_by}", "controller": True}
        metadata["ownerReferences"] = [reference]
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {"metadata": metadata}


OWNERS = [
    owner("a", {"matchLabels": {"app": "web"}}),
    owner("b", {"matchLabels": {"app": "web"}}),
    owner("other", {"matchLabels": {"app": "db"}}),
    owner("all", {}),
    owner("broken", {"matchExpressions": [{"key": "app", "operator": "Sideways"}]}),
]


class Followed:
    """An informer of pods with handlers, and what they have called."""

    def __init__(self, **options):
        client = Client(None)
        owners = Informer(client, REPLICA_SETS)
        owners.replace([dict(found) for found in OWNERS])
        self.pods = Informer(client, PODS)
        self.heard = []
        hooks = {
            name: lambda owner, pod, name=name: self.heard.append((name, owner["metadata"]["name"]))
            for name in ("added", "updated", "deleted")
        }
        hooks["unowned"] = lambda pod: self.heard.append("unowned")
        wake = lambda owner: self.heard.append(owner["metadata"]["name"])  # noqa: E731
        Dependents(owners, "ReplicaSet", wake, **hooks, **options).follow(self.pods)

    def after(self, *events):
        """What the last event has called."""
        for event in events:
            self.heard.clear()
            self.pods.apply(WatchEvent(*event))
        return self.heard


@pytest.mark.parametrize(
    ("found", "heard"),
    [
        (pod("a"), [("added", "a"), "a"]),
        (pod("a", uid="an older a"), ["unowned"]),
        (pod("a", kind="DaemonSet"), ["unowned"]),
        (pod("gone"), ["unowned"]),
        (pod(), ["unowned", "a", "b"]),
        (pod(app="db"), ["unowned", "other"]),
        (pod(deleting=True), ["unowned"]),
        (pod("a", deleting=True), [("deleted", "a"), "a"]),
    ],
    ids=["owned", "owner replaced", "other kind", "no owner", "orphan", "labels", "orphan deleting", "deleting"],
)
def test_a_new_object(found, heard):
    assert Followed().after(("ADDED", found)) == heard


@pytest.mark.parametrize(
    ("before", "after", "heard"),
    [
        (pod("a"), pod("a", version="2"), [("updated", "a"), "a"]),
        (pod("a"), pod("b", version="2"), ["a", ("updated", "b"), "b"]),
        (pod("a"), pod(version="2"), ["a", "unowned", "a", "b"]),
        (pod(), pod("a", version="2"), [("updated", "a"), "a"]),
        (pod(), pod(version="2"), ["unowned"]),
        (pod(), pod(version="2", app="db"), ["unowned", "other"]),
        (pod("a"), pod("a", version="2", deleting=True), [("deleted", "a"), "a"]),
        (pod("a"), pod("b", version="2", deleting=True), [("deleted", "a"), "a", ("deleted", "b"), "b"]),
        (pod(), pod(version="2", deleting=True), ["unowned"]),
    ],
    ids=[
        "the same owner",
        "another owner",
        "released",
        "adopted",
        "an orphan as before",
        "an orphan with other labels",
        "being deleted",
        "another owner, and being deleted",
        "an orphan that is being deleted",
    ],
)
def test_a_changed_object(before, after, heard):
    assert Followed().after(("ADDED", before), ("MODIFIED", after)) == heard


def test_a_deleted_object():
    assert Followed().after(("ADDED", pod("a")), ("DELETED", pod("a", version="2"))) == [("deleted", "a"), "a"]
    assert Followed().after(("ADDED", pod()), ("DELETED", pod(version="2"))) == ["unowned"]


def test_an_owner_may_wait_until_its_objects_are_gone():
    followed = Followed(until_gone=True)
    assert followed.after(("ADDED", pod("a", deleting=True))) == [("added", "a"), "a"]
    assert followed.after(("MODIFIED", pod("a", version="2", deleting=True))) == [("updated", "a"), "a"]
    assert followed.after(("DELETED", pod("a", version="3"))) == [("deleted", "a"), "a"]


def test_what_an_owner_selects_may_be_narrowed():
    assert Followed(selects=lambda owner, pod: owner["metadata"]["name"] == "b").after(("ADDED", pod())) == [
        "unowned",
        "b",
    ]
