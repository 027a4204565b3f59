"""The controllers against the real API server, in one process."""

import asyncio

import pytest
from controller_cluster import running

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.times import format_micro_time, format_time
from pynetes.apis.names import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    ENDPOINTS,
    EVENTS,
    LEASES,
    NAMESPACES,
    NODES,
    PODS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
)
from pynetes.component import clock

LABELS = {"app": "web"}


def template(image="v1", **spec):
    return {
        "metadata": {"labels": LABELS},
        "spec": {"containers": [{"name": "c", "image": image}], **spec},
    }


def deployment(replicas=3, image="v1", **spec):
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": template(image), **spec},
    }


def replica_set(name="rs", replicas=2):
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": template()},
    }


def service(**spec):
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": LABELS, "ports": [{"port": 80, "targetPort": 8080}], **spec},
    }


async def tells(cluster, kind, *expected):
    """Events are written beside the work: returns once these (reason, beginning of the message) are there."""

    async def told():
        listed = (await cluster.client.list(EVENTS, "default"))["items"]
        found = [(e["reason"], e["message"]) for e in listed if e["involvedObject"]["kind"] == kind]
        return all(any(r == reason and m.startswith(begin) for r, m in found) for reason, begin in expected)

    await cluster.eventually(told)


async def test_every_namespace_gets_its_account_and_ca(cluster):
    await cluster.client.create(NAMESPACES, {"metadata": {"name": "new"}})

    async def check():
        accounts = await cluster.names(SERVICE_ACCOUNTS, "new")
        maps = await cluster.names(CONFIG_MAPS, "new")
        return accounts == ["default"] and maps == ["kube-root-ca.crt"]

    await cluster.eventually(check)
    await cluster.client.delete(SERVICE_ACCOUNTS, "default", "new")
    await cluster.client.patch(CONFIG_MAPS, "kube-root-ca.crt", {"data": {"ca.crt": "forged"}}, "new")

    async def healed():
        data = (await cluster.client.get(CONFIG_MAPS, "kube-root-ca.crt", "new"))["data"]
        return data == {"ca.crt": "the CA"} and await cluster.names(SERVICE_ACCOUNTS, "new") == ["default"]

    await cluster.eventually(healed)


async def test_a_deployment_comes_up_rolls_over_and_goes_back(cluster):
    await cluster.client.create(DEPLOYMENTS, deployment())
    found = await cluster.settled("web")
    conditions = {c["type"]: c["reason"] for c in found["status"]["conditions"]}
    assert conditions == {"Available": "MinimumReplicasAvailable", "Progressing": "NewReplicaSetAvailable"}
    assert meta.annotations(found)["deployment.kubernetes.io/revision"] == "1"

    await cluster.client.patch(DEPLOYMENTS, "web", {"spec": {"template": template("v2")}}, "default")
    found = await cluster.settled("web")
    assert meta.annotations(found)["deployment.kubernetes.io/revision"] == "2"
    sets = (await cluster.client.list(REPLICA_SETS, "default"))["items"]
    assert sorted(rs["spec"]["replicas"] for rs in sets) == [0, 3]

    await cluster.client.patch(DEPLOYMENTS, "web", {"spec": {"template": template("v1")}}, "default")
    found = await cluster.settled("web")
    assert meta.annotations(found)["deployment.kubernetes.io/revision"] == "3"
    sets = (await cluster.client.list(REPLICA_SETS, "default"))["items"]
    assert len(sets) == 2
    current = next(rs for rs in sets if rs["spec"]["replicas"])
    assert meta.annotations(current)["deployment.kubernetes.io/revision-history"] == "1"
    name = meta.name(current)

    async def only_first_image():
        pods = (await cluster.client.list(PODS, "default"))["items"]
        return {p["spec"]["containers"][0]["image"] for p in pods} == {"v1"}

    await cluster.eventually(only_first_image)  # those on their way out do not count in the status
    names = await cluster.names(PODS)
    assert len(names) == 3
    scaled = (f"Scaled up replica set {name} from 0 to 3", f"Scaled down replica set {name} from 3 to 2")
    await tells(cluster, "Deployment", *(("ScalingReplicaSet", text) for text in scaled))
    await tells(cluster, "ReplicaSet", *(("SuccessfulCreate", f"Created pod: {pod}") for pod in names))


async def test_a_deployment_scales_and_pauses(cluster):
    await cluster.client.create(DEPLOYMENTS, deployment(1))
    await cluster.settled("web")
    await cluster.client.patch(DEPLOYMENTS, "web", {"spec": {"replicas": 5}}, "default")
    await cluster.settled("web")
    assert len(await cluster.names(PODS)) == 5
    patch = {"spec": {"paused": True, "template": template("v2"), "replicas": 2}}
    await cluster.client.patch(DEPLOYMENTS, "web", patch, "default")

    async def paused():
        found = await cluster.client.get(DEPLOYMENTS, "web", "default")
        conditions = {c["type"]: c["reason"] for c in found["status"]["conditions"]}
        return conditions["Progressing"] == "DeploymentPaused" and found["status"]["replicas"] == 2

    await cluster.eventually(paused)
    assert len(await cluster.names(REPLICA_SETS)) == 1
    await cluster.client.patch(DEPLOYMENTS, "web", {"spec": {"paused": False}}, "default")
    await cluster.settled("web")
    assert len(await cluster.names(REPLICA_SETS)) == 2


async def test_recreate_never_mixes_versions(cluster):
    await cluster.client.create(DEPLOYMENTS, deployment(2, strategy={"type": "Recreate"}))
    await cluster.settled("web")
    mixed = []

    def look(pod):
        mixed.append({p["spec"]["containers"][0]["image"] for p in cluster.node.pods.list()})

    cluster.node.pods.add_handler(on_add=look)
    await cluster.client.patch(DEPLOYMENTS, "web", {"spec": {"template": template("v2")}}, "default")
    found = await cluster.settled("web")
    assert meta.annotations(found)["deployment.kubernetes.io/revision"] == "2"
    assert {"v1", "v2"} not in mixed


async def test_a_stuck_rollout_is_told_and_old_pods_stay(cluster):
    await cluster.client.create(DEPLOYMENTS, deployment(2))
    await cluster.settled("web")
    cluster.node.starts = lambda pod: False
    patch = {"spec": {"template": template("v2"), "progressDeadlineSeconds": 1}}
    await cluster.client.patch(DEPLOYMENTS, "web", patch, "default")

    async def timed_out():
        found = await cluster.client.get(DEPLOYMENTS, "web", "default")
        conditions = {c["type"]: c for c in found["status"]["conditions"]}
        return conditions["Progressing"]["reason"] == "ProgressDeadlineExceeded" and found

    found = await cluster.eventually(timed_out)
    assert found["status"]["availableReplicas"] == 2


async def test_old_replica_sets_are_cleaned_up(cluster):
    await cluster.client.create(DEPLOYMENTS, deployment(1, revisionHistoryLimit=1))
    for image in ("v2", "v3", "v4"):
        await cluster.settled("web")
        await cluster.client.patch(DEPLOYMENTS, "web", {"spec": {"template": template(image)}}, "default")

    async def check():
        return len(await cluster.names(REPLICA_SETS)) == 2

    await cluster.settled("web")
    await cluster.eventually(check)


async def test_a_killed_pod_is_replaced(cluster):
    await cluster.client.create(REPLICA_SETS, replica_set())

    async def two_ready():
        found = await cluster.client.get(REPLICA_SETS, "rs", "default")
        return found["status"].get("readyReplicas") == 2 and await cluster.names(PODS)

    before = await cluster.eventually(two_ready)
    await cluster.client.delete(PODS, before[0], "default")

    async def replaced():
        after = await cluster.names(PODS)
        return len(after) == 2 and before[0] not in after and await two_ready()

    await cluster.eventually(replaced)
    await cluster.client.patch(REPLICA_SETS, "rs", {"spec": {"replicas": 0}}, "default")

    async def empty():
        return not await cluster.names(PODS)

    await cluster.eventually(empty)


async def test_orphans_are_adopted_and_strays_released(cluster):
    pod = {"metadata": {"name": "orphan", "labels": LABELS}, "spec": template()["spec"]}
    await cluster.client.create(PODS, pod, "default")
    await cluster.client.create(REPLICA_SETS, replica_set())

    async def adopted():
        found = await cluster.client.get(PODS, "orphan", "default")
        return meta.controller_of(found) and len(await cluster.names(PODS)) == 2

    await cluster.eventually(adopted)
    await cluster.client.patch(PODS, "orphan", {"metadata": {"labels": {"app": "other"}}}, "default")

    async def released():
        found = await cluster.client.get(PODS, "orphan", "default")
        return meta.controller_of(found) is None and len(await cluster.names(PODS, selector="app=web")) == 2

    await cluster.eventually(released)


async def test_a_replication_controller_does_the_same(cluster):
    rc = {
        "metadata": {"name": "rc", "namespace": "default"},
        "spec": {"replicas": 2, "selector": LABELS, "template": template()},
    }
    await cluster.client.create(REPLICATION_CONTROLLERS, rc)

    async def ready():
        found = await cluster.client.get(REPLICATION_CONTROLLERS, "rc", "default")
        return (found.get("status") or {}).get("availableReplicas") == 2

    await cluster.eventually(ready)
    pods = (await cluster.client.list(PODS, "default"))["items"]
    assert {meta.controller_of(p)["kind"] for p in pods} == {"ReplicationController"}


async def test_endpoints_follow_pods_within_a_second(cluster):
    await cluster.client.create(SERVICES, service())
    await cluster.client.create(REPLICA_SETS, replica_set())

    async def both(count):
        found = await cluster.client.get(ENDPOINTS, "web", "default")
        listed = await cluster.client.list(ENDPOINT_SLICES, "default", label_selector="kubernetes.io/service-name=web")
        old = sum(len(s.get("addresses", ())) for s in found.get("subsets") or ())
        new = sum(e["conditions"]["ready"] for s in listed["items"] for e in s.get("endpoints") or ())
        return (old, new) == (count, count)

    async def two():
        try:
            return await both(2)
        except StatusError:
            return False

    await cluster.eventually(two)
    await cluster.client.patch(REPLICA_SETS, "rs", {"spec": {"replicas": 4}}, "default")
    await cluster.eventually(lambda: both(4))
    victim = (await cluster.names(PODS))[0]
    condition = {"type": "Ready", "status": "False"}
    await cluster.client.patch(
        PODS, victim, {"status": {"conditions": [condition]}}, "default", type="strategic", subresource="status"
    )
    await cluster.eventually(lambda: both(3))
    for slice_ in (
        await cluster.client.list(ENDPOINT_SLICES, "default", label_selector="kubernetes.io/service-name=web")
    )["items"]:
        await cluster.client.delete(ENDPOINT_SLICES, meta.name(slice_), "default")
    await cluster.client.delete(ENDPOINTS, "web", "default")
    await cluster.eventually(lambda: both_or_absent(both, 3))
    await cluster.client.delete(SERVICES, "web", "default")
    await cluster.gone(ENDPOINTS, "web")

    async def no_slices():
        listed = await cluster.client.list(ENDPOINT_SLICES, "default", label_selector="kubernetes.io/service-name=web")
        return not listed["items"]

    await cluster.eventually(no_slices)


async def both_or_absent(both, count):
    try:
        return await both(count)
    except StatusError:
        return False


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
async def test_dependents_go_with_their_owner(cluster, policy):
    await cluster.client.create(DEPLOYMENTS, deployment(2))
    await cluster.settled("web")
    await cluster.client.delete(DEPLOYMENTS, "web", "default", propagation_policy=policy)
    await cluster.gone(DEPLOYMENTS, "web")

    async def empty():
        return not await cluster.names(REPLICA_SETS) and not await cluster.names(PODS)

    if policy == "Foreground":
        assert await empty()
    await cluster.eventually(empty)


async def test_orphaned_dependents_stay(cluster):
    await cluster.client.create(DEPLOYMENTS, deployment(2))
    await cluster.settled("web")
    pods = await cluster.names(PODS)
    await cluster.client.delete(DEPLOYMENTS, "web", "default", propagation_policy="Orphan")
    await cluster.gone(DEPLOYMENTS, "web")
    (rs,) = (await cluster.client.list(REPLICA_SETS, "default"))["items"]
    assert meta.owner_references(rs) == []
    assert await cluster.names(PODS) == pods


async def test_an_object_whose_owner_never_was_is_collected(cluster):
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "ghost", "uid": "no-such-uid"}
    kept = {"metadata": {"name": "kept", "namespace": "default"}}
    kept = await cluster.client.create(CONFIG_MAPS, kept)
    real = {"apiVersion": "v1", "kind": "ConfigMap", "name": "kept", "uid": meta.uid(kept)}
    for name, owners in (("lost", [owner]), ("half", [owner, real])):
        metadata = {"name": name, "namespace": "default", "ownerReferences": owners}
        await cluster.client.create(SECRETS, {"metadata": metadata})
    await cluster.gone(SECRETS, "lost")

    async def cleaned():
        found = await cluster.client.get(SECRETS, "half", "default")
        return [ref["name"] for ref in meta.owner_references(found)] == ["kept"]

    await cluster.eventually(cleaned)


async def test_a_namespace_goes_with_all_it_holds(cluster):
    await cluster.client.create(NAMESPACES, {"metadata": {"name": "doomed"}})
    web = deployment(2)
    web["metadata"]["namespace"] = "doomed"
    await cluster.client.create(DEPLOYMENTS, web)
    await cluster.settled("web", "doomed")
    held = {"metadata": {"name": "held", "namespace": "doomed", "finalizers": ["example.com/hold"]}}
    await cluster.client.create(SECRETS, held)
    await cluster.client.delete(NAMESPACES, "doomed")

    async def told():
        found = await cluster.client.get(NAMESPACES, "doomed")
        conditions = {c["type"]: c for c in (found["status"].get("conditions") or ())}
        return conditions.get("NamespaceFinalizersRemaining", {}).get("status") == "True" and conditions

    conditions = await cluster.eventually(told)
    message = conditions["NamespaceFinalizersRemaining"]["message"]
    assert message.endswith("example.com/hold in 1 resource instances")
    await cluster.client.patch(SECRETS, "held", {"metadata": {"finalizers": None}}, "doomed")
    await cluster.gone(NAMESPACES, "doomed", None)


async def test_nodes_get_ranges_of_pod_addresses(cluster):
    await cluster.client.create(NODES, {"metadata": {"name": "n2"}})

    async def ranges():
        nodes = (await cluster.client.list(NODES))["items"]
        return [n["spec"].get("podCIDR") for n in nodes] if all(n["spec"].get("podCIDRs") for n in nodes) else None

    assert sorted(await cluster.eventually(ranges)) == ["10.244.0.0/24", "10.244.1.0/24"]


async def test_taints_follow_conditions_and_drive_pods_away(cluster):
    await cluster.client.create(DEPLOYMENTS, deployment(1))
    await cluster.settled("web")
    (pod,) = await cluster.names(PODS)
    condition = {"type": "DiskPressure", "status": "True", "reason": "x", "message": "y"}
    patch = {"status": {"conditions": [condition]}}
    await cluster.client.patch(NODES, "n1", patch, type="strategic", subresource="status")

    async def tainted():
        found = await cluster.client.get(NODES, "n1")
        return [t["key"] for t in found["spec"].get("taints") or ()] == ["node.kubernetes.io/disk-pressure"]

    await cluster.eventually(tainted)
    found = await cluster.client.get(NODES, "n1")
    found["spec"]["taints"].append({"key": "example.com/away", "effect": "NoExecute"})
    cluster.node.starts = lambda pod: False
    await cluster.client.update(NODES, found)
    await cluster.gone(PODS, pod)
    await tells(cluster, "Pod", ("TaintManagerEviction", f"Marking for deletion Pod default/{pod}"))


async def test_pods_deleted_before_they_were_scheduled_are_collected(cluster):
    gate = [{"name": "example.com/wait"}]
    pod = {
        "metadata": {"name": "gated", "namespace": "default"},
        "spec": {**template()["spec"], "schedulingGates": gate},
    }
    pod["metadata"]["finalizers"] = ["example.com/hold"]
    await cluster.client.create(PODS, pod)
    await cluster.client.delete(PODS, "gated", "default")
    await cluster.client.patch(PODS, "gated", {"metadata": {"finalizers": None}}, "default")
    await cluster.gone(PODS, "gated")


async def test_an_idle_cluster_is_left_alone(cluster):
    """Nothing is written again and again once all is as it should be."""
    await cluster.client.create(DEPLOYMENTS, deployment(2))
    await cluster.client.create(SERVICES, service())
    await cluster.settled("web")

    async def quiet() -> bool:
        before = (await cluster.client.list(PODS, "default"))["metadata"]["resourceVersion"]
        await asyncio.sleep(1)
        return bool((await cluster.client.list(PODS, "default"))["metadata"]["resourceVersion"] == before)

    await cluster.eventually(quiet)


class Stepped:
    """The clock by which nodes are judged: it goes on only when a test says so, however long that takes."""

    now = staticmethod(clock.now)

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


async def test_a_silent_node_is_marked_and_its_pods_leave(tmp_path, monkeypatch):
    stepped = Stepped()
    monkeypatch.setattr("pynetes.controllers.nodelifecycle.controller.clock", stepped)
    toleration = {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute"}
    async with running(tmp_path, node_monitor_period=0.05, node_monitor_grace_period=50) as cluster:
        lease = {"metadata": {"name": "n1", "namespace": "kube-node-lease"}, "spec": {"holderIdentity": "n1"}}
        await cluster.client.create(LEASES, lease)
        leases = cluster.context.informers.informer(LEASES, namespace="kube-node-lease")

        async def thirty_seconds_pass():
            """n1 reports before they do: whenever the controller looks, it has not been silent for longer."""
            spec = {"renewTime": format_micro_time(clock.now())}
            await cluster.client.patch(LEASES, "n1", {"spec": spec}, "kube-node-lease")

            async def seen():
                return (leases.get("kube-node-lease/n1") or lease)["spec"].get("renewTime") == spec["renewTime"]

            await cluster.eventually(seen)
            stepped.seconds += 30

        ready = [{"type": "Ready", "status": "True"}]
        await cluster.client.create(NODES, {"metadata": {"name": "n2"}, "status": {"conditions": ready}})
        spec = {**template()["spec"], "nodeName": "n2", "tolerations": [{**toleration, "tolerationSeconds": 1}]}
        await cluster.client.create(PODS, {"metadata": {"name": "p", "namespace": "default"}, "spec": spec})

        async def marked():
            await thirty_seconds_pass()
            found = await cluster.client.get(NODES, "n2")
            taints = {(t["key"], t["effect"]) for t in found["spec"].get("taints") or ()}
            key = "node.kubernetes.io/unreachable"
            return {(key, "NoSchedule"), (key, "NoExecute")} <= taints and found

        found = await cluster.eventually(marked)
        conditions = {c["type"]: (c["status"], c["reason"]) for c in found["status"]["conditions"]}
        assert conditions["Ready"] == ("Unknown", "NodeStatusUnknown")
        assert conditions["MemoryPressure"] == ("Unknown", "NodeStatusNeverUpdated")

        async def pod_gone():
            return not await cluster.names(PODS)

        await cluster.eventually(pod_gone)
        nodes = {meta.name(n): n for n in (await cluster.client.list(NODES))["items"]}
        assert not nodes["n1"]["spec"].get("taints")
        condition = {"type": "Ready", "status": "True", "lastHeartbeatTime": format_time(clock.now())}
        await cluster.client.patch(
            NODES, "n2", {"status": {"conditions": [condition]}}, type="strategic", subresource="status"
        )

        async def well():
            return not (await cluster.client.get(NODES, "n2"))["spec"].get("taints")

        await cluster.eventually(well)
