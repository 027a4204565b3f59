"""The owner graph and the decision about an object, without a cluster."""

import pytest
from controller_objects import stamp

from pynetes.controllers.garbagecollector.graph import FOREGROUND, ORPHAN, Graph, identity_of
from pynetes.controllers.garbagecollector.references import (
    Delete,
    DropReferences,
    Keep,
    OwnerState,
    decide,
    owner_state,
)


def obj(name, *owners, kind="ConfigMap", deleting=False, finalizers=(), block=False, namespace="ns"):
    meta = {"name": name, "namespace": namespace, "uid": name}
    meta["ownerReferences"] = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": owner, "blockOwnerDeletion": block}
        for owner in owners
    ]
    if deleting:
        meta["deletionTimestamp"] = stamp()
    meta["finalizers"] = list(finalizers)
    return {"apiVersion": "v1", "kind": kind, "metadata": meta}


def put(graph, given):
    return graph.put(identity_of(given, given["apiVersion"], given["kind"]), given)


def test_the_end_of_an_owner_concerns_its_dependents():
    graph = Graph()
    put(graph, obj("owner"))
    put(graph, obj("a", "owner"))
    put(graph, obj("b", "owner"))
    assert sorted(graph.remove("owner").delete) == ["a", "b"]
    assert graph.get("owner").virtual
    graph.remove("a")
    assert graph.get("owner") is not None
    graph.remove("b")
    assert len(graph) == 0


def test_an_unseen_owner_is_asked_about_until_it_is_seen():
    graph = Graph()
    assert put(graph, obj("a", "owner")).delete == ["owner"]
    assert graph.get("owner").virtual
    assert put(graph, obj("owner")).delete == []
    assert not graph.get("owner").virtual
    assert graph.get("owner").dependents == {"a"}


def test_an_owner_that_turns_out_to_be_another_thing_concerns_its_dependents():
    graph = Graph()
    put(graph, obj("a", "owner"))
    assert put(graph, obj("owner", kind="Secret")).delete == ["a"]
    assert put(graph, obj("b", "owner")).delete == ["b"]


def test_an_owner_in_another_namespace_is_no_owner():
    graph = Graph()
    put(graph, obj("owner", namespace="elsewhere"))
    assert put(graph, obj("a", "owner")).delete == ["a"]


def test_a_foreground_deletion_presses_dependents_and_hears_of_their_end():
    graph = Graph()
    put(graph, obj("owner"))
    put(graph, obj("a", "owner", block=True))
    put(graph, obj("b", "owner"))
    work = put(graph, obj("owner", deleting=True, finalizers=[FOREGROUND]))
    assert sorted(work.delete) == ["a", "b", "owner"]
    node = graph.get("owner")
    assert [n.uid for n in graph.blocking_dependents(node)] == ["a"]
    assert put(graph, obj("owner", deleting=True, finalizers=[FOREGROUND])).delete == []
    assert graph.remove("a").delete == ["owner"]
    assert graph.blocking_dependents(node) == []


def test_letting_go_of_a_blocking_owner_concerns_it():
    graph = Graph()
    put(graph, obj("owner"))
    put(graph, obj("a", "owner", block=True))
    assert put(graph, obj("a", "owner", block=False)).delete == ["owner"]
    put(graph, obj("b", "owner", block=True))
    assert put(graph, obj("b")).delete == ["owner"]
    assert graph.get("owner").dependents == {"a"}


def test_orphaning_is_asked_for_once():
    graph = Graph()
    put(graph, obj("owner"))
    assert put(graph, obj("owner", deleting=True, finalizers=[ORPHAN])).orphan == ["owner"]
    assert put(graph, obj("owner", deleting=True, finalizers=[ORPHAN])).orphan == []


S, D, W = OwnerState.SOLID, OwnerState.DANGLING, OwnerState.WAITING


@pytest.mark.parametrize(
    ("owners", "finalizers", "dependents", "expected"),
    [
        ({}, [], False, Keep()),
        ({"a": S}, [], True, Keep()),
        ({"a": S, "b": D}, [], False, DropReferences(frozenset("b"))),
        ({"a": S, "b": W, "c": D}, [], False, DropReferences(frozenset("bc"))),
        ({"a": D}, [], True, Delete("Background")),
        ({"a": D}, [ORPHAN], True, Delete("Orphan")),
        ({"a": D}, [FOREGROUND], True, Delete("Foreground")),
        ({"a": W}, [], True, Delete("Foreground", unblock=True)),
        ({"a": W, "b": D}, [], False, Delete("Background")),
    ],
)
def test_what_becomes_of_an_object(owners, finalizers, dependents, expected):
    assert decide(obj("x", finalizers=finalizers), owners, dependents) == expected


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        (None, D),
        (obj("other"), D),
        (obj("o"), S),
        (obj("o", deleting=True), S),
        (obj("o", deleting=True, finalizers=[FOREGROUND]), W),
        (obj("o", finalizers=[FOREGROUND]), S),
    ],
)
def test_the_state_of_an_owner(owner, expected):
    assert owner_state(owner, "o") is expected
