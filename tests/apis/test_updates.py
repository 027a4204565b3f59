"""What updates of an object and of its status are told, kind by kind, in the words of upstream."""

from typing import Any

import pytest

from pynetes.apis.admissionregistration.policies import ValidatingAdmissionPolicyStrategy
from pynetes.apis.apps.daemon_set import TEMPLATE_GENERATION, DaemonSetStrategy
from pynetes.apis.batch.job import JobStrategy
from pynetes.apis.core.node import NodeStrategy
from pynetes.apis.core.persistent_volume import PersistentVolumeStrategy
from pynetes.apis.core.pod import PodStrategy
from pynetes.apis.core.pod_claim_status_validation import validate_claim_statuses
from pynetes.apis.core.service import ServiceStrategy
from pynetes.apis.core.service_fields import drop_type_dependent_fields
from pynetes.apis.discovery.endpoint_slice import EndpointSliceStrategy
from pynetes.apis.equality import semantic_equal
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.flowcontrol.flow_schema import FlowSchemaStrategy
from pynetes.apis.flowcontrol.priority_level import PriorityLevelStrategy
from pynetes.apis.networking.addresses import ServiceCIDRStrategy
from pynetes.apis.networking.ingress import IngressClassStrategy
from pynetes.apis.node.runtime_class import RuntimeClassStrategy
from pynetes.apis.storage.classes import StorageClassStrategy, VolumeAttributesClassStrategy
from pynetes.apis.storage.csi import CSIStorageCapacityStrategy
from pynetes.apis.strategy import Strategy
from tests.apis.objects import Object, texts

META: Object = {"name": "a"}
JOB: Object = {"metadata": META, "spec": {"template": {}}}
VOLUME: Object = {
    "accessModes": ["ReadWriteOnce"],
    "capacity": {"storage": "1Gi"},
    "hostPath": {"path": "/x", "type": ""},
    "persistentVolumeReclaimPolicy": "Retain",
    "volumeMode": "Filesystem",
}


def affinity(key: str) -> Object:
    return {"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": key, "operator": "Exists"}]}]}}


def service(kind: str, **more: Any) -> Object:
    made: Object = {"spec": {"type": kind, "ports": [{"port": 1}], **more}}
    ServiceStrategy().default(made)
    spec: Object = made["spec"]
    return spec


UPDATES: dict[str, tuple[Strategy, Object, Object, list[str]]] = {
    "a handler that is another, and wrong": (
        RuntimeClassStrategy(),
        {"handler": "runc"},
        {"handler": ""},
        ["handler: Required value", 'handler: Invalid value: "": field is immutable'],
    ),
    "a storage class that was right before": (
        StorageClassStrategy(),
        {"provisioner": "a.b", "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
        {"provisioner": "a.b", "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate", "parameters": {"": "x"}},
        [
            'parameters: Invalid value: "": field can not be empty.',
            'parameters: Invalid value: {"":"x"}: field is immutable',
        ],
    ),
    "a volume attributes class": (
        VolumeAttributesClassStrategy(),
        {"driverName": "a.b", "parameters": {"a": "b"}},
        {"driverName": "a.c", "parameters": {"a": "c"}},
        [
            "driverName: Forbidden: updates to driverName are forbidden.",
            "parameters: Forbidden: updates to parameters are forbidden.",
        ],
    ),
    "one of the ranges": (
        ServiceCIDRStrategy(),
        {"spec": {"cidrs": ["10.0.0.0/24"]}},
        {"spec": {"cidrs": ["10.1.0.0/24"]}},
        ['spec.cidrs[0]: Invalid value: "10.1.0.0/24": field is immutable'],
    ),
    "all of the ranges": (
        ServiceCIDRStrategy(),
        {"spec": {"cidrs": ["10.0.0.0/24"]}},
        {"spec": {"cidrs": []}},
        ["spec.cidrs: Invalid value: []: field is immutable"],
    ),
    "a controller that is gone": (
        IngressClassStrategy(),
        {"spec": {"controller": "a.b/c"}},
        {"spec": {}},
        ['spec.controller: Invalid value: "": field is immutable', "spec.controller: Required value"],
    ),
    "a volume attributes class without parameters": (
        VolumeAttributesClassStrategy(),
        {"driverName": "a.b", "parameters": {"a": "b"}},
        {"driverName": "a.b"},
        [
            "parameters: Forbidden: updates to parameters are forbidden.",
            "parameters: Required value: must contain at least one key/value pair",
        ],
    ),
    "a storage capacity": (
        CSIStorageCapacityStrategy(),
        {"storageClassName": "a"},
        {"storageClassName": "a", "capacity": "-1"},
        ['capacity: Invalid value: "-1": must be greater than or equal to 0'],
    ),
    "a volume's affinity": (
        PersistentVolumeStrategy(),
        {"spec": VOLUME | {"nodeAffinity": affinity("beta.kubernetes.io/os")}},
        {"spec": VOLUME | {"nodeAffinity": affinity("a")}},
        [
            'nodeAffinity: Invalid value: {"required":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"a",'
            '"operator":"Exists"}]}]}}: field is immutable, except for updating from beta label to GA'
        ],
    ),
    "a volume's affinity, to the label's new name": (
        PersistentVolumeStrategy(),
        {"spec": VOLUME | {"nodeAffinity": affinity("beta.kubernetes.io/os")}},
        {"spec": VOLUME | {"nodeAffinity": affinity("kubernetes.io/os")}},
        [],
    ),
    "a volume that is wrong is told of it twice": (
        PersistentVolumeStrategy(),
        {"spec": VOLUME},
        {"spec": VOLUME | {"accessModes": []}},
        ["spec.accessModes: Required value"] * 2,
    ),
    "the class of a balancer": (
        ServiceStrategy(),
        {"spec": service("LoadBalancer", loadBalancerClass="a.b/c")},
        {"spec": service("LoadBalancer", loadBalancerClass="a.b/d")},
        ['spec.loadBalancerClass: Invalid value: "a.b/d": may not change once set'],
    ),
}
ALLOCATED = "status.containerStatuses[0].allocatedResourcesStatus"
STATUSES: dict[str, tuple[Strategy, Object, list[str]]] = {
    "the same condition of a flow schema twice": (
        FlowSchemaStrategy(),
        {"metadata": META, "status": {"conditions": [{"type": "Dangling"}, {"type": "Dangling"}, {}]}},
        ['status.conditions[1].type: Duplicate value: "Dangling"', "status.conditions[2].type: Required value"],
    ),
    "a condition of a priority level without a type": (
        PriorityLevelStrategy(),
        {"metadata": META, "status": {"conditions": [{}]}},
        ["status.conditions[0].type: Required value"],
    ),
    "a condition of a policy that never was": (
        ValidatingAdmissionPolicyStrategy(),
        {"metadata": META, "status": {"conditions": [{"type": "A", "status": "True", "reason": "R"}]}},
        ["status.conditions[0].lastTransitionTime: Required value"],
    ),
    "features of a node": (
        NodeStrategy(),
        {"metadata": META, "status": {"declaredFeatures": ["Good", "Good/too", "Good", "bad"]}},
        [
            'status.declaredFeatures[2]: Duplicate value: "Good"',
            'status.declaredFeatures[3]: Invalid value: "bad": invalid feature name "bad": must start with an '
            "UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or "
            "MyFeature/mySubFeature), and contain only alphanumeric characters and slashes",
        ],
    ),
    "containers of a pod that run as nobody may, on devices that nobody asked for": (
        PodStrategy(),
        {
            "metadata": META,
            "spec": {"containers": [{"name": "a", "resources": {"claims": [{"name": "c", "request": "r"}]}}]},
            "status": {
                "containerStatuses": [
                    {
                        "name": "a",
                        "user": {"linux": {"uid": -1}},
                        "allocatedResourcesStatus": [
                            {"name": "claim:c/r", "resources": [{"resourceID": "1", "health": "Healthy"}] * 2},
                            {"name": "claim:c", "resources": [{"resourceID": "1", "health": "Ill", "message": ""}]},
                            {"name": "cpu"},
                        ],
                    },
                    {"name": "gone", "allocatedResourcesStatus": [{"name": "cpu"}]},
                ],
                "ephemeralContainerStatuses": [{"name": "e", "allocatedResourcesStatus": [{"name": "cpu"}]}],
            },
        },
        [
            "status.containerStatuses[0].user.linux.uid: Invalid value: -1: must be between 0 and 2147483647, "
            "inclusive",
            f'{ALLOCATED}[0].resources[1].resourceID: Duplicate value: "1"',
            f'{ALLOCATED}[1].name: Invalid value: "claim:c": must match one of the container\'s resource claims in a '
            "format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty",
            f'{ALLOCATED}[1].resources[0].health: Unsupported value: "Ill": supported values: "Healthy", "Unhealthy", '
            '"Unknown"',
            f"{ALLOCATED}[1].resources[0].message: Required value: must be non-empty if specified",
            f'{ALLOCATED}[2].name: Invalid value: "cpu": must match one of the container\'s resource requests',
            "status.ephemeralContainerStatuses[0].allocatedResourcesStatus: Forbidden: must not be specified in "
            "container status",
        ],
    ),
    "a node nominated for a pod that has one": (
        PodStrategy(),
        {
            "metadata": META,
            "spec": {"nodeName": "n1", "containers": []},
            "status": {
                "nominatedNodeName": "N_2",
                "observedGeneration": -1,
                "conditions": [{"type": "a b", "status": "True", "observedGeneration": -1}],
                "hostIPs": [{"ip": "192.0.2.1"}],
            },
        },
        [
            "status.conditions[0].observedGeneration: Invalid value: -1: must be a non-negative integer",
            'status.conditions[0].Type: Invalid value: "a b": name part must consist of alphanumeric characters, '
            "'-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or "
            "'123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
            'status.nominatedNodeName: Invalid value: "N_2": a lowercase RFC 1123 subdomain must consist of lower case '
            "alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. "
            "'example.com', regex used for validation is "
            "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
            "status.nominatedNodeName: Forbidden: may not be set on pods that are already bound to a node",
            "status.observedGeneration: Invalid value: -1: must be a non-negative integer",
            'status.hostIPs[0].ip: Invalid value: "192.0.2.1": must be equal to `hostIP`',
        ],
    ),
    "a job that is complete without further ado": (
        JobStrategy(),
        {
            **JOB,
            "status": {"startTime": "2026-01-01T00:00:00Z", "conditions": [{"type": "Complete", "status": "True"}]},
        },
        [
            "status.completionTime: Required value: completionTime is required for Complete jobs",
            "status.conditions: Invalid value: cannot set Complete=True condition without the "
            "SuccessCriteriaMet=true condition",
        ],
    ),
    "failed indexes that nobody counts": (
        JobStrategy(),
        {**JOB, "status": {"failedIndexes": ""}},
        [
            'status.failedIndexes: Invalid value: "": cannot set non-null failedIndexes when backoffLimitPerIndex is '
            "null"
        ],
    ),
}


@pytest.mark.parametrize("case", UPDATES)
def test_an_update_is_told(case: str) -> None:
    strategy, old, new, expected = UPDATES[case]
    found = strategy.validate_update({"metadata": META, **new}, {"metadata": META, **old})
    assert texts(found) == expected


def test_what_a_node_allocates_for_claims_is_off() -> None:
    status = {"nodeAllocatableResourceClaimStatuses": [{"resourceClaimName": "c"}]}
    written: Object = {"spec": {}, "status": dict(status)}
    PodStrategy.drop_disabled_fields(written, {"spec": {}, "status": {}})
    assert written["status"] == {}
    written["status"] = dict(status)
    PodStrategy.drop_disabled_fields(written, {"spec": {}, "status": status})
    assert written["status"] == status


def test_the_status_leaves_a_daemon_sets_template_generation_alone() -> None:
    old: Object = {"metadata": {"annotations": {TEMPLATE_GENERATION: "3"}}, "spec": {}, "status": {}}
    new: Object = {"metadata": {"annotations": {"a": "b"}}, "spec": {}, "status": {}}
    DaemonSetStrategy().prepare_for_status_update(new, old)
    assert new["metadata"]["annotations"] == {"a": "b", TEMPLATE_GENERATION: "3"}


@pytest.mark.parametrize("case", STATUSES)
def test_an_update_of_the_status_is_told(case: str) -> None:
    strategy, new, expected = STATUSES[case]
    assert texts(strategy.validate_status_update({"spec": {}, **new}, {"spec": {}, **new, "status": {}})) == expected


@pytest.mark.parametrize(("kind", "kept"), [("ExternalName", None), ("NodePort", "Cluster")])
def test_a_service_that_routes_nothing_has_no_traffic_policy(kind: str, kept: str | None) -> None:
    old: Object = {"spec": {"type": "ClusterIP", "internalTrafficPolicy": "Cluster"}}
    new: Object = {"spec": {"type": kind, "internalTrafficPolicy": "Cluster"}}
    drop_type_dependent_fields(new, old)
    assert new["spec"].get("internalTrafficPolicy") == kept


@pytest.mark.parametrize(
    ("field", "value", "same"),
    [
        ("affinity", {}, False),
        ("nodeSelector", {}, True),
        ("runtimeClassName", "", False),
        ("serviceAccountName", "", True),
        ("nodeName", "", False),
        ("securityContext", {}, False),
        ("selector", {}, False),
        ("labels", {}, True),
        ("procMount", "", False),
        ("hostNetwork", False, True),
        ("shareProcessNamespace", False, False),
    ],
)
def test_what_is_empty_is_absent_unless_it_is_a_pointer(field: str, value: Any, same: bool) -> None:
    assert semantic_equal({field: value}, {}) is same


def test_the_claims_of_a_pod_are_its_own() -> None:
    found = FieldErrors()
    status: Object = {"resourceClaimStatuses": [{"name": "gpu"}, {"name": "nic"}, {"name": "nic"}]}
    validate_claim_statuses(found, status, {"resourceClaims": [{"name": "nic"}]})
    assert texts(found) == [
        'status.resourceClaimStatuses[0].name: Invalid value: "gpu": must match the name of an entry in '
        "`spec.resourceClaims`",
        'status.resourceClaimStatuses[2].name: Duplicate value: "nic"',
    ]


SUSPENDED: Object = {"template": {"spec": {"containers": [{"name": "c"}]}}, "suspend": True, "completions": 1}


@pytest.mark.parametrize(
    ("pods", "told"),
    [
        ({"affinity": {"nodeAffinity": {}}}, False),
        ({"affinity": {}}, False),
        ({"affinity": {"podAffinity": {}}}, True),
        ({"nodeSelector": {"a": "b"}, "containers": [{"name": "c", "resources": {"limits": {"cpu": "1"}}}]}, False),
        ({"containers": [{"name": "c", "image": "x"}]}, True),
    ],
)
def test_what_of_its_pods_a_suspended_job_may_change(pods: Object, told: bool) -> None:
    old: Object = {"metadata": META, "spec": SUSPENDED}
    new: Object = {"metadata": META, "spec": SUSPENDED | {"template": {"spec": SUSPENDED["template"]["spec"] | pods}}}
    fields = [error.field for error in JobStrategy().validate_update(new, old) if "immutable" in error.detail]
    assert fields == ["spec.template.spec"] * told


def test_a_job_that_is_wrong_is_told_of_it_twice() -> None:
    job: Object = {"metadata": META, "spec": SUSPENDED | {"backoffLimit": -1}}
    found = texts(JobStrategy().validate_update(job, job))
    assert found.count("spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0") == 2


def test_a_dropped_topology_counts_as_a_change_of_a_slice() -> None:
    old: Object = {"metadata": {"generation": 1}, "addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}]}
    new = {
        **old,
        "metadata": {"generation": 1},
        "endpoints": [{"addresses": ["10.0.0.1"], "deprecatedTopology": {"a": "b"}}],
    }
    EndpointSliceStrategy().prepare_for_update(new, old)
    assert (new["metadata"]["generation"], new["endpoints"]) == (2, old["endpoints"])
