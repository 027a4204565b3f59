import asyncio

import pytest
from controller_objects import NOW, owner_ref, pod, replica_set, stamp

from pynetes.apimachinery.selectors import from_label_selector
from pynetes.controllers.podcontrol import batch, claims, ranking, state
from pynetes.controllers.podcontrol.expectations import Expectations
from pynetes.controllers.podcontrol.template import generate_name, pod_from_template


def names(pods):
    return [p["metadata"]["name"] for p in pods]


# Each pair: the first is deleted before the second, for the reason named.
RANKS = {
    "unassigned before assigned": (pod("a", node=""), pod("b")),
    "pending before running": (pod("a", phase="Pending"), pod("b")),
    "pending before unknown": (pod("a", phase="Pending"), pod("b", phase="Unknown")),
    "not ready before ready": (pod("a", ready=False), pod("b")),
    "cheap before dear": (pod("a", annotations={ranking.DELETION_COST: "-5"}), pod("b")),
    "ready for a short time first": (pod("a", ready_for=2), pod("b", ready_for=9000)),
    "more restarts first": (pod("a", restarts=3), pod("b")),
    "young first": (pod("a", age=3), pod("b", age=9000)),
    "equal age: by uid": (pod("a", age=1000), pod("b", age=1001)),
}


@pytest.mark.parametrize("case", RANKS)
@pytest.mark.parametrize("swapped", [False, True])
def test_which_pod_goes_first(case, swapped):
    first, second = RANKS[case]
    pods = [second, first] if swapped else [first, second]
    assert names(ranking.choose(pods, [], 1, NOW)) == ["a"]


def test_pods_that_share_a_node_with_siblings_go_first():
    alone, crowded = pod("a", node="n1"), pod("b", node="n2")
    sibling = pod("c", node="n2")
    assert names(ranking.choose([alone, crowded], [alone, crowded, sibling], 1, NOW)) == ["b"]


@pytest.mark.parametrize(("text", "cost"), [("5", 5), ("-5", -5), ("05", 0), ("x", 0), ("+5", 0), ("3000000000", 0)])
def test_deletion_costs_must_be_plain_numbers(text, cost):
    assert ranking.deletion_cost(pod(annotations={ranking.DELETION_COST: text})) == cost


@pytest.mark.parametrize(
    ("given", "min_ready", "available"),
    [
        (pod(ready_for=5), 0, True),
        (pod(ready_for=5), 5, True),
        (pod(ready_for=5), 6, False),
        (pod(ready=False), 0, False),
    ],
)
def test_availability_takes_time(given, min_ready, available):
    assert state.is_available(given, min_ready, NOW) is available


def test_the_next_pod_to_become_available_sets_the_alarm():
    pods = [pod("a", ready_for=2), pod("b", ready_for=7), pod("c", ready=False), pod("d", ready_for=50)]
    assert state.seconds_until_available(pods, 10, NOW) == 3
    assert state.seconds_until_available([pod(ready=False)], 10, NOW) is None


def test_claims_adopt_orphans_and_release_what_no_longer_matches():
    owner, other = replica_set("rs"), replica_set("other")
    selector = from_label_selector({"matchLabels": {"app": "x"}})
    found = claims.claim(
        owner,
        selector,
        [
            pod("mine", labels={"app": "x"}, owner=owner),
            pod("strayed", labels={"app": "y"}, owner=owner),
            pod("orphan", labels={"app": "x"}),
            pod("dying", labels={"app": "x"}, deleting=True),
            pod("foreign", labels={"app": "x"}, owner=other),
            pod("unrelated", labels={"app": "y"}),
        ],
    )
    assert (names(found.owned), names(found.adopt), names(found.release)) == (["mine"], ["orphan"], ["strayed"])


def test_a_deleted_owner_neither_adopts_nor_releases():
    owner = replica_set()
    owner["metadata"]["deletionTimestamp"] = stamp()
    selector = from_label_selector({"matchLabels": {"app": "x"}})
    pods = [pod("mine", labels={"app": "x"}, owner=owner), pod("o", labels={"app": "x"}), pod("s", owner=owner)]
    found = claims.claim(owner, selector, pods)
    assert (names(found.owned), found.adopt, found.release) == (["mine"], [], [])


def test_expectations_hold_until_all_is_seen():
    expectations = Expectations()
    assert expectations.satisfied("k")
    expectations.expect_creations("k", 2)
    expectations.creation_observed("k")
    assert not expectations.satisfied("k")
    expectations.creation_observed("k")
    assert expectations.satisfied("k")
    expectations.expect_deletions("k", ["ns/a", "ns/b"])
    expectations.deletion_observed("k", "ns/a")
    expectations.deletion_observed("k", "ns/a")
    assert not expectations.satisfied("k")
    expectations.deletion_observed("k", "ns/b")
    assert expectations.satisfied("k")


async def test_expectations_expire():
    expectations = Expectations()
    expectations.expect_creations("k", 1)
    expectations._expected["k"].at -= 301
    assert expectations.satisfied("k")


@pytest.mark.parametrize(
    ("count", "fail_from", "successes", "calls"),
    [(0, 99, 0, 0), (7, 99, 7, 7), (7, 0, 0, 1), (7, 2, 2, 3), (100, 3, 3, 7)],
)
async def test_slow_start_doubles_until_something_fails(count, fail_from, successes, calls):
    made = 0

    async def call():
        nonlocal made
        made += 1
        if made > fail_from:
            raise RuntimeError("quota")
        await asyncio.sleep(0)

    done, error = await batch.slow_start(count, call)
    assert (done, made) == (successes, calls)
    assert (error is None) == (successes == count)


def test_a_pod_carries_its_templates_metadata_and_its_owner():
    owner = replica_set("web")
    template = {
        "metadata": {"labels": {"app": "x"}, "annotations": {"a": "b"}, "finalizers": ["f/x"]},
        "spec": {"containers": []},
    }
    made = pod_from_template(template, owner)
    assert made["metadata"] == {
        "generateName": "web-",
        "namespace": "ns",
        "labels": {"app": "x"},
        "annotations": {"a": "b"},
        "finalizers": ["f/x"],
        "ownerReferences": [owner_ref(owner)],
    }


@pytest.mark.parametrize(("owner", "prefix"), [("web", "web-"), ("a" * 252, "a" * 252 + "-"), ("a" * 254, "a" * 254)])
def test_prefixes_of_generated_names(owner, prefix):
    assert generate_name(owner) == prefix
