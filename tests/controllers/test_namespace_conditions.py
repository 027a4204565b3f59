from controller_objects import NOW, stamp

from pynetes.apis.names import DEPLOYMENTS, PODS
from pynetes.controllers.namespace.conditions import Outcome, update


def found(conditions):
    return {c["type"]: (c["status"], c["reason"], c["message"]) for c in conditions}


def test_an_empty_namespace():
    conditions = update([], Outcome(), NOW)
    assert found(conditions) == {
        "NamespaceDeletionDiscoveryFailure": (
            "False",
            "ResourcesDiscovered",
            "All resources successfully discovered",
        ),
        "NamespaceDeletionGroupVersionParsingFailure": (
            "False",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        "NamespaceDeletionContentFailure": (
            "False",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        "NamespaceContentRemaining": ("False", "ContentRemoved", "All content successfully removed"),
        "NamespaceFinalizersRemaining": (
            "False",
            "ContentHasNoFinalizers",
            "All content-preserving finalizers finished",
        ),
    }


def test_what_remains_is_named():
    outcome = Outcome(errors=["no rights"], undiscovered=["metrics.k8s.io/v1"])
    outcome.count(PODS, [{"metadata": {"finalizers": ["a/b"]}}, {"metadata": {"finalizers": ["a/b", "c/d"]}}])
    outcome.count(DEPLOYMENTS, [{"metadata": {}}])
    assert not outcome.is_empty
    conditions = found(update([], outcome, NOW))
    assert conditions["NamespaceContentRemaining"] == (
        "True",
        "SomeResourcesRemain",
        "Some resources are remaining: deployments.apps has 1 resource instances, pods. has 2 resource instances",
    )
    assert conditions["NamespaceFinalizersRemaining"][2] == (
        "Some content in the namespace has finalizers remaining: "
        "a/b in 2 resource instances, c/d in 1 resource instances"
    )
    assert conditions["NamespaceDeletionContentFailure"][:2] == ("True", "ContentDeletionFailed")
    assert conditions["NamespaceDeletionDiscoveryFailure"][:2] == ("True", "DiscoveryFailed")


def test_times_move_with_the_status_only():
    before = update([], Outcome(), NOW)
    for condition in before:
        condition["lastTransitionTime"] = stamp(99)
    assert update(before, Outcome(), NOW) == before
    outcome = Outcome()
    outcome.count(PODS, [{"metadata": {}}])
    after = {c["type"]: c["lastTransitionTime"] for c in update(before, outcome, NOW)}
    assert after["NamespaceContentRemaining"] == stamp()
    assert after["NamespaceFinalizersRemaining"] == stamp(99)
