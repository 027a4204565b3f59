"""Quotas: what objects take, which quotas are about them, and what fits."""

from datetime import UTC, datetime
from typing import Any

import pytest

from pynetes.apis.core.quota.charge import QuotaExceeded, Write, charged, covers, shown
from pynetes.apis.core.quota.limited import Limited, uncovered
from pynetes.apis.core.quota.scopes import requirements
from pynetes.apis.core.quota.usage import evaluator_of

Object = dict[str, Any]

NOW = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


def container(name: str = "c", requests: Object | None = None, limits: Object | None = None) -> Object:
    return {"name": name, "resources": {"requests": requests or {}, "limits": limits or {}}}


def pod(*containers: Object, metadata: Object | None = None, status: Object | None = None, **spec: Any) -> Object:
    spec["containers"] = list(containers) or [container()]
    return {"metadata": {"name": "p", **(metadata or {})}, "spec": spec, "status": status or {}}


def devices(*requests: Object) -> Object:
    return {"spec": {"devices": {"requests": list(requests)}}}


def usage(resource: str, obj: Object) -> str:
    return shown({k: v for k, v in evaluator_of(resource).usage(obj, NOW).items() if v})


FULL = pod(
    container("a", {"cpu": "1", "memory": "1Gi", "example.com/gpu": "2"}, {"cpu": "2"}),
    container("b", {"cpu": "500m", "hugepages-2Mi": "4Mi"}, {"cpu": "1"}),
)


#: A container on its way down: what is in force is still more.
RESIZED: Object = {
    "name": "a",
    "resources": {"requests": {"cpu": "3"}, "limits": {"cpu": "6"}},
    "allocatedResources": {"cpu": "4"},
}


@pytest.mark.parametrize(
    ("resource", "obj", "expected"),
    [
        ("pods", pod(), "count/pods=1,pods=1"),
        (
            "pods",
            FULL,
            "count/pods=1,cpu=1500m,hugepages-2Mi=4Mi,limits.cpu=3,memory=1Gi,pods=1,requests.cpu=1500m,"
            "requests.example.com/gpu=2,requests.hugepages-2Mi=4Mi,requests.memory=1Gi",
        ),
        ("pods", {**FULL, "status": {"phase": "Succeeded"}}, "count/pods=1"),
        (
            "pods",
            {**pod(container("a", {"cpu": "1"}, {"cpu": "2"})), "status": {"containerStatuses": [RESIZED]}},
            "count/pods=1,cpu=4,limits.cpu=6,pods=1,requests.cpu=4",
        ),
        ("services", {"spec": {"type": "ClusterIP", "ports": [{}]}}, "count/services=1,services=1"),
        (
            "services",
            {"spec": {"type": "NodePort", "ports": [{}, {}]}},
            "count/services=1,services=1,services.nodeports=2",
        ),
        (
            "services",
            {"spec": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False, "ports": [{"nodePort": 1}, {}]}},
            "count/services=1,services=1,services.loadbalancers=1,services.nodeports=1",
        ),
        (
            "persistentvolumeclaims",
            {"spec": {"storageClassName": "gold", "resources": {"requests": {"storage": "1500m"}}}},
            "count/persistentvolumeclaims=1,gold.storageclass.storage.k8s.io/persistentvolumeclaims=1,"
            "gold.storageclass.storage.k8s.io/requests.storage=2,persistentvolumeclaims=1,requests.storage=2",
        ),
        (
            "persistentvolumeclaims",
            {
                "spec": {"resources": {"requests": {"storage": "1Gi"}}},
                "status": {"allocatedResources": {"storage": "2Gi"}},
            },
            "count/persistentvolumeclaims=1,persistentvolumeclaims=1,requests.storage=2Gi",
        ),
        (
            "resourceclaims.resource.k8s.io",
            devices(
                {"exactly": {"deviceClassName": "gold", "allocationMode": "ExactCount", "count": 2}},
                {"exactly": {"deviceClassName": "silver", "allocationMode": "All"}},
                {
                    "firstAvailable": [
                        {"deviceClassName": "gold", "allocationMode": "ExactCount", "count": 3},
                        {"deviceClassName": "gold", "allocationMode": "ExactCount", "count": 1},
                        {"deviceClassName": "lead", "allocationMode": "ExactCount", "count": 1},
                    ]
                },
            ),
            "count/resourceclaims.resource.k8s.io=1,gold.deviceclass.resource.k8s.io/devices=5,"
            "lead.deviceclass.resource.k8s.io/devices=1,silver.deviceclass.resource.k8s.io/devices=32",
        ),
        ("configmaps", {}, "configmaps=1,count/configmaps=1"),
        ("widgets.example.com", {}, "count/widgets.example.com=1"),
    ],
)
def test_usage(resource: str, obj: Object, expected: str) -> None:
    assert usage(resource, obj) == expected


@pytest.mark.parametrize(
    ("grace", "deleted", "expected"),
    [
        (30, "2024-01-02T03:04:00Z", "count/pods=1,pods=1"),
        (3, "2024-01-02T03:04:00Z", "count/pods=1"),
    ],
)
def test_a_pod_that_should_be_gone_takes_nothing(grace: int, deleted: str, expected: str) -> None:
    metadata = {"deletionTimestamp": deleted, "deletionGracePeriodSeconds": grace}
    assert usage("pods", pod(metadata=metadata)) == expected


def quota(
    hard: Object, used: Object | None = None, *, scopes: tuple[str, ...] = (), selector: Object | None = None
) -> Object:
    spec: Object = {"hard": hard, "scopes": list(scopes)}
    if selector:
        spec["scopeSelector"] = {"matchExpressions": [selector]}
    return {"metadata": {"name": "q"}, "spec": spec, "status": {"hard": hard, "used": used or dict.fromkeys(hard, "0")}}


_AFFINITY = {
    "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "k", "namespaces": ["other"]}]}
}


def selector(operator: str, *values: str, scope: str = "PriorityClass") -> Object:
    return {"scopeName": scope, "operator": operator, **({"values": list(values)} if values else {})}


@pytest.mark.parametrize(
    ("scoped", "obj", "expected"),
    [
        ({"scopes": ("Terminating",)}, pod(activeDeadlineSeconds=0), True),
        ({"scopes": ("Terminating",)}, pod(), False),
        ({"scopes": ("NotTerminating",)}, pod(), True),
        ({"scopes": ("BestEffort",)}, pod(), True),
        ({"scopes": ("BestEffort",)}, FULL, False),
        ({"scopes": ("NotBestEffort", "NotTerminating")}, FULL, True),
        ({"scopes": ("NotBestEffort", "Terminating")}, FULL, False),
        ({"selector": selector("Exists")}, pod(priorityClassName="high"), True),
        ({"selector": selector("Exists")}, pod(), False),
        ({"selector": selector("DoesNotExist")}, pod(), True),
        ({"selector": selector("In", "high", "low")}, pod(priorityClassName="high"), True),
        ({"selector": selector("In", "low")}, pod(priorityClassName="high"), False),
        ({"selector": selector("NotIn", "low")}, pod(priorityClassName="high"), True),
        ({"selector": selector("Exists", scope="CrossNamespacePodAffinity")}, pod(affinity=_AFFINITY), True),
        ({"selector": selector("Exists", scope="CrossNamespacePodAffinity")}, pod(), False),
    ],
)
def test_scopes_of_pods(scoped: Object, obj: Object, expected: bool) -> None:
    found = quota({"pods": "1"}, **scoped)
    assert covers(found, evaluator_of("pods"), obj, ["pods"]) == expected
    assert requirements(found)


def test_claims_are_selected_by_their_attributes_class() -> None:
    chosen = quota({"requests.storage": "1"}, selector=selector("In", "fast", scope="VolumeAttributesClass"))
    claim = {"spec": {}, "status": {"modifyVolumeStatus": {"targetVolumeAttributesClassName": "fast"}}}
    evaluator = evaluator_of("persistentvolumeclaims")
    assert covers(chosen, evaluator, claim, ["requests.storage"])
    assert not covers(chosen, evaluator, {"spec": {"volumeAttributesClassName": "slow"}}, ["requests.storage"])


def test_a_scope_excludes_kinds_that_know_none() -> None:
    assert not covers(
        quota({"configmaps": "1"}, scopes=("BestEffort",)), evaluator_of("configmaps"), {}, ["configmaps"]
    )


def write(obj: Object, old: Object | None = None, resource: str = "pods") -> Write:
    return Write(evaluator_of(resource), obj, old, NOW)


def test_what_fits_is_charged() -> None:
    room = quota(
        {"pods": "2", "requests.cpu": "3", "services": "1"}, {"pods": "1", "requests.cpu": "1", "services": "0"}
    )
    ((found, used),) = charged([room], write(FULL))
    assert found is room
    assert shown(used) == "pods=2,requests.cpu=2500m,services=0"


@pytest.mark.parametrize(
    ("hard", "used", "obj", "message"),
    [
        (
            {"pods": "1", "cpu": "10"},
            {"pods": "1", "cpu": "0"},
            FULL,
            "exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1",
        ),
        (
            {"pods": "1", "requests.cpu": "2"},
            {"pods": "1", "requests.cpu": "1"},
            FULL,
            "exceeded quota: q, requested: pods=1,requests.cpu=1500m, used: pods=1,requests.cpu=1, "
            "limited: pods=1,requests.cpu=2",
        ),
        (
            {"cpu": "1", "limits.memory": "1Gi"},
            None,
            pod(container("a"), container("b", {"cpu": "1"}, {"memory": "1Mi"})),
            "failed quota: q: must specify cpu for: a; limits.memory for: a",
        ),
        ({"pods": "1", "cpu": "9"}, {"pods": "0"}, FULL, "status unknown for quota: q, resources: cpu,pods"),
    ],
)
def test_what_does_not_fit_is_told(hard: Object, used: Object | None, obj: Object, message: str) -> None:
    with pytest.raises(QuotaExceeded) as refused:
        charged([quota(hard, used)], write(obj))
    assert str(refused.value) == message


def test_a_pod_with_resources_as_a_whole_need_not_state_them_for_containers() -> None:
    whole = pod(resources={"requests": {"cpu": "1"}})
    ((_, used),) = charged([quota({"cpu": "2"})], write(whole))
    assert shown(used) == "cpu=1"


def test_an_update_is_charged_with_what_it_adds() -> None:
    room = quota({"services.nodeports": "3"}, {"services.nodeports": "1"})

    def service(ports: int) -> Object:
        return {"spec": {"type": "NodePort", "ports": [{}] * ports}}

    ((_, used),) = charged([room], write(service(3), service(1), "services"))
    assert shown(used) == "services.nodeports=3"
    assert charged([room], write(service(1), service(3), "services")) == []
    with pytest.raises(QuotaExceeded, match=r"requested: services\.nodeports=3"):
        charged([room], write(service(4), service(1), "services"))


def test_an_update_into_a_scope_is_charged_whole() -> None:
    ((_, used),) = charged([quota({"pods": "1"}, scopes=("Terminating",))], write(pod(activeDeadlineSeconds=5), pod()))
    assert shown(used) == "pods=1"


@pytest.mark.parametrize(
    ("resource", "operation", "subresource", "expected"),
    [
        ("pods", "CREATE", "", True),
        ("pods", "UPDATE", "", False),
        ("pods", "UPDATE", "resize", True),
        ("pods", "UPDATE", "status", False),
        ("services", "UPDATE", "", True),
        ("persistentvolumeclaims", "UPDATE", "status", False),
        ("configmaps", "UPDATE", "", False),
    ],
)
def test_writes_that_may_change_what_is_taken(resource: str, operation: str, subresource: str, expected: bool) -> None:
    assert evaluator_of(resource).handles(operation, subresource, pod(), pod()) == expected
    if resource == "pods":
        assert evaluator_of("pods").handles("UPDATE", "", pod(activeDeadlineSeconds=5), pod())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("requests.example.com/gpu", True),
        ("requests.hugepages-2Mi", True),
        ("requests.deviceclass.resource.kubernetes.io/gpu", True),
        ("requests.storage", False),
        ("example.com/gpu", False),
        ("gold.storageclass.storage.k8s.io/requests.storage", False),
    ],
)
def test_resources_of_pods(name: str, expected: bool) -> None:
    assert evaluator_of("pods").is_about(name) == expected


CRITICAL = {"scopeName": "PriorityClass", "operator": "In", "values": ["critical"]}
LIMITS = (
    Limited("pods", ("requests.example.com/gpu",)),
    Limited("pods", (), (CRITICAL,)),
    Limited("jobs.batch", ("jobs",)),
)


def limiting(*names: str, **spec: Any) -> Object:
    return {"metadata": {"name": "q"}, "spec": spec, "status": {"hard": dict.fromkeys(names, "10")}}


@pytest.mark.parametrize(
    ("obj", "quotas", "expected"),
    [
        (pod(), (), ([], [])),
        (FULL, (), (["requests.example.com/gpu"], [])),
        (FULL, (limiting("pods"),), (["requests.example.com/gpu"], [])),
        (FULL, (limiting("requests.example.com/gpu"),), ([], [])),
        (pod(priorityClassName="critical"), (limiting("pods"),), ([], [CRITICAL])),
        (
            pod(priorityClassName="critical"),
            (limiting("pods", scopeSelector={"matchExpressions": [CRITICAL]}),),
            ([], []),
        ),
    ],
)
def test_what_is_limited_needs_a_quota(obj: Object, quotas: tuple[Object, ...], expected: Any) -> None:
    assert uncovered(LIMITS, quotas, Write(evaluator_of("pods"), obj, None, NOW)) == expected
    assert uncovered(LIMITS, quotas, Write(evaluator_of("pods"), obj, obj, NOW)) == ([], [])
