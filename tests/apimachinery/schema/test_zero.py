import pytest

from pynetes.apimachinery import schema
from pynetes.apimachinery.schema import zero
from pynetes.apimachinery.schema.types import fields
from pynetes.apimachinery.schema.zero import Policy

CORE = "io.k8s.api.core.v1."


@pytest.mark.parametrize(
    ("definition", "field", "policy"),
    [
        (CORE + "PodSpec", "hostNetwork", Policy.DROP),
        (CORE + "PodSpec", "shareProcessNamespace", Policy.KEEP),
        (CORE + "PodSpec", "nodeName", Policy.DROP),
        (CORE + "PodSpec", "containers", Policy.KEEP),
        (CORE + "PodSpec", "volumes", Policy.DROP),
        (CORE + "PodSpec", "overhead", Policy.JUDGED),
        (CORE + "PersistentVolumeClaimStatus", "capacity", Policy.DROP),
        (CORE + "Container", "resources", Policy.ALWAYS),
        (CORE + "PodSpec", "resources", Policy.KEEP),
        (CORE + "Container", "restartPolicy", Policy.KEEP),
        (CORE + "PodSpec", "restartPolicy", Policy.DROP),
        (CORE + "PodCondition", "lastProbeTime", Policy.NULL),
        (CORE + "NodeCondition", "lastHeartbeatTime", Policy.NULL),
        (CORE + "PersistentVolumeClaimSpec", "storageClassName", Policy.KEEP),
        (CORE + "PersistentVolumeSpec", "storageClassName", Policy.DROP),
        (CORE + "Event", "reportingComponent", Policy.ALWAYS),
        (CORE + "EndpointPort", "name", Policy.DROP),
        ("io.k8s.api.discovery.v1.EndpointPort", "name", Policy.KEEP),
        ("io.k8s.api.discovery.v1.EndpointSlice", "endpoints", Policy.NULL),
        ("io.k8s.api.apps.v1.DeploymentSpec", "replicas", Policy.KEEP),
        ("io.k8s.api.apps.v1.DeploymentStatus", "replicas", Policy.DROP),
        ("io.k8s.api.apps.v1.ReplicaSetStatus", "replicas", Policy.ALWAYS),
        ("io.k8s.api.apps.v1.DeploymentSpec", "strategy", Policy.ALWAYS),
        ("io.k8s.api.networking.v1.ParentReference", "name", Policy.DROP),
        ("io.k8s.api.rbac.v1.Role", "rules", Policy.NULL),
        ("io.k8s.api.resource.v1.ResourceSliceSpec", "nodeName", Policy.KEEP),
        ("io.k8s.api.coordination.v1.LeaseSpec", "strategy", Policy.KEEP),
    ],
)
def test_policies(definition: str, field: str, policy: Policy) -> None:
    assert fields(definition)[field].policy is policy


def test_the_tables_name_fields_that_exist() -> None:
    known: dict[str, set[str]] = {}
    for name in schema.all_definitions():
        for field in fields(name):
            known.setdefault(field, set()).add(name.rsplit(".", 1)[-1])
    for table in (
        zero.DROPPED,
        zero.EMPTY_TEXT_KEPT,
        zero.EMPTY_LIST_KEPT,
        zero.JUDGED,
        zero.ALWAYS,
        zero.ALWAYS_SCALAR,
        zero.OMITTED,
        zero.NULL_SHOWN,
    ):
        for field, definitions in table.items():
            assert field in known, field
            assert {name.partition("@")[0] for name in definitions} <= known[field], field
