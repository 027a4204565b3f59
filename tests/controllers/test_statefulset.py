"""Order, updates and claims of StatefulSets: by table, and against the real API server."""

import pytest
from controller_objects import NOW, pod

from pynetes.apimachinery import meta
from pynetes.apis.names import PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS
from pynetes.controllers.statefulset import claims, identity, plan

LABELS = {"app": "db"}


def stateful_set(replicas=3, *, policy="OrderedReady", partition=0, start=0, strategy="RollingUpdate", **spec):
    update = {"type": strategy}
    if strategy == "RollingUpdate":
        update["rollingUpdate"] = {"partition": partition}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "db", "namespace": "default", "uid": "uid-db", "generation": 1},
        "spec": {
            "replicas": replicas,
            "serviceName": "db",
            "podManagementPolicy": policy,
            "updateStrategy": update,
            "ordinals": {"start": start},
            "selector": {"matchLabels": LABELS},
            "template": {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": "v1"}]}},
            **spec,
        },
    }


def member(index, revision="new", **kwargs):
    name = f"db-{index}"
    return pod(name, labels={identity.POD_NAME_LABEL: name, identity.REVISION_LABEL: revision}, **kwargs)


def decide(owner, pods):
    step = plan.decide(owner, pods, "old", "new", NOW)
    return [index for index, _ in step.create], [identity.ordinal(p) for p in step.delete]


READY3 = [member(0), member(1), member(2)]
CASES = {
    "the first comes first": (stateful_set(), [], ([0], [])),
    "the next waits": (stateful_set(), [member(0, ready=False)], ([], [])),
    "the next comes when the first is ready": (stateful_set(), [member(0)], ([1], [])),
    "all is well": (stateful_set(), READY3, ([], [])),
    "a gap is filled first": (stateful_set(), [member(0), member(2)], ([1], [])),
    "all at once": (stateful_set(policy="Parallel"), [member(1)], ([0, 2], [])),
    "failed pods are made anew": (stateful_set(), [member(0, phase="Failed"), member(1)], ([], [0])),
    "ending pods are waited for": (stateful_set(), [member(0, deleting=True)], ([], [])),
    "the highest goes first": (stateful_set(1), READY3, ([], [2])),
    "the next waits for it": (stateful_set(1), [member(0), member(1), member(2, deleting=True)], ([], [])),
    "a sick one may go": (stateful_set(1), [member(0), member(1), member(2, ready=False)], ([], [2])),
    "a sick one below blocks": (stateful_set(2), [member(0, ready=False), member(1), member(2)], ([], [])),
    "all go at once": (stateful_set(0, policy="Parallel"), READY3, ([], [2, 1, 0])),
    "ordinals may start later": (stateful_set(2, start=5), [member(5)], ([6], [])),
    "updates begin at the top": (stateful_set(), [member(i, "old") for i in range(3)], ([], [2])),
    "updates wait": (stateful_set(), [member(0, "old"), member(1, "old"), member(2, ready=False)], ([], [])),
    "updates go down": (stateful_set(), [member(0, "old"), member(1, "old"), member(2)], ([], [1])),
    "updates stop at the partition": (
        stateful_set(partition=2),
        [member(0, "old"), member(1, "old"), member(2)],
        ([], []),
    ),
    "on delete only": (stateful_set(strategy="OnDelete"), [member(i, "old") for i in range(3)], ([], [])),
}


@pytest.mark.parametrize("case", CASES)
def test_the_next_step(case):
    owner, pods, expected = CASES[case]
    assert decide(owner, pods) == expected


def test_pods_below_the_partition_keep_their_revision():
    owner = stateful_set(partition=2, policy="Parallel")
    assert plan.decide(owner, [], "old", "new", NOW).create == [(0, "old"), (1, "old"), (2, "new")]


def test_availability_counts_in_order():
    owner = stateful_set(minReadySeconds=10)
    assert decide(owner, [member(0, ready_for=5)]) == ([], [])
    assert decide(owner, [member(0, ready_for=15)]) == ([1], [])


@pytest.mark.parametrize(
    ("name", "expected"), [("db-0", ("db", 0)), ("my-db-12", ("my-db", 12)), ("db", ("", -1)), ("db-x", ("", -1))]
)
def test_names_carry_ordinals(name, expected):
    assert identity.split(name) == expected


def test_a_pod_has_its_identity_and_its_claims():
    templates = [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}]
    owner = stateful_set(volumeClaimTemplates=templates)
    owner["spec"]["template"]["spec"]["volumes"] = [{"name": "data", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}]
    made = identity.new_pod(owner, owner["spec"]["template"], "db-abc", 1)
    assert made["metadata"]["labels"] == {
        "app": "db",
        "controller-revision-hash": "db-abc",
        "statefulset.kubernetes.io/pod-name": "db-1",
        "apps.kubernetes.io/pod-index": "1",
    }
    assert (made["spec"]["hostname"], made["spec"]["subdomain"]) == ("db-1", "db")
    assert made["spec"]["volumes"] == [
        {"name": "data", "persistentVolumeClaim": {"claimName": "data-db-1"}},
        {"name": "tmp", "emptyDir": {}},
    ]
    assert identity.storage_matches(owner, made)
    (claim,) = identity.claims(owner, 1)
    assert (meta.name(claim), meta.labels(claim)) == ("data-db-1", LABELS)


@pytest.mark.parametrize(
    ("deleted", "scaled", "index", "owner"),
    [
        ("Retain", "Retain", 0, None),
        ("Delete", "Retain", 0, "StatefulSet"),
        ("Delete", "Retain", 9, "StatefulSet"),
        ("Retain", "Delete", 0, None),
        ("Retain", "Delete", 9, "Pod"),
        ("Delete", "Delete", 0, "StatefulSet"),
        ("Delete", "Delete", 9, "Pod"),
    ],
)
def test_who_owns_a_claim(deleted, scaled, index, owner):
    policy = {"whenDeleted": deleted, "whenScaled": scaled}
    given = stateful_set(persistentVolumeClaimRetentionPolicy=policy)
    found = claims.wanted_owners(given, member(index), [])
    assert [ref["kind"] for ref in found] == ([owner] if owner else [])
    again = claims.wanted_owners(given, member(index), found)
    assert again == found


def test_claims_of_other_controllers_are_left_alone():
    given = stateful_set(persistentVolumeClaimRetentionPolicy={"whenDeleted": "Delete"})
    foreign = [{"apiVersion": "v1", "kind": "X", "name": "x", "uid": "x", "controller": True}]
    assert claims.wanted_owners(given, member(0), foreign) == foreign


def test_status_and_the_end_of_an_update():
    pods = [member(0, "old"), member(1, ready=False), member(2, deleting=True)]
    found = plan.status(stateful_set(), pods, "old", "new", NOW)
    assert found == {
        "observedGeneration": 1,
        "replicas": 3,
        "readyReplicas": 2,
        "availableReplicas": 2,
        "currentReplicas": 1,
        "updatedReplicas": 1,
        "currentRevision": "old",
        "updateRevision": "new",
        "collisionCount": 0,
    }
    done = plan.status(stateful_set(), READY3, "old", "new", NOW)
    assert (done["currentRevision"], done["currentReplicas"]) == ("new", 3)


async def test_a_stateful_set_in_a_cluster(cluster):
    templates = [
        {
            "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }
    ]
    wanted = stateful_set(3, volumeClaimTemplates=templates)
    wanted["metadata"] = {"name": "db", "namespace": "default"}
    born = []
    cluster.node.pods.add_handler(on_add=lambda p: born.append(meta.name(p)))
    await cluster.client.create(STATEFUL_SETS, wanted)

    async def settled(count, image):
        found = (await cluster.client.get(STATEFUL_SETS, "db", "default")).get("status") or {}
        pods = (await cluster.client.list(PODS, "default"))["items"]
        images = [p["spec"]["containers"][0]["image"] for p in pods]
        same = found.get("currentRevision") == found.get("updateRevision")
        return images == [image] * count and found.get("availableReplicas") == count and same and born

    await cluster.eventually(lambda: settled(3, "v1"))
    assert born == ["db-0", "db-1", "db-2"]
    assert await cluster.names(PERSISTENT_VOLUME_CLAIMS) == ["data-db-0", "data-db-1", "data-db-2"]
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": "v2"}]}}
    await cluster.client.patch(STATEFUL_SETS, "db", {"spec": {"template": template}}, "default")
    await cluster.eventually(lambda: settled(3, "v2"))
    assert born[3:] == ["db-2", "db-1", "db-0"]
    await cluster.client.patch(STATEFUL_SETS, "db", {"spec": {"replicas": 1}}, "default")
    await cluster.eventually(lambda: settled(1, "v2"))
    assert await cluster.names(PODS) == ["db-0"]
    assert len(await cluster.names(PERSISTENT_VOLUME_CLAIMS)) == 3
