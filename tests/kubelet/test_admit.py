"""Whether the node takes a pod, by table."""

import pytest

from pynetes.kubelet.admit import NodeFacts, Rejection, admit

NODE = {
    "metadata": {"name": "n", "labels": {"disk": "ssd", "cores": "4"}},
    "spec": {"taints": [{"key": "k", "value": "v", "effect": "NoExecute"}, {"key": "s", "effect": "NoSchedule"}]},
    "status": {"allocatable": {"cpu": "2", "memory": "1Gi", "pods": "3", "x.com/gpu": "1"}},
}
TOLERATES = [{"operator": "Exists"}]


def pod(name="p", requests=None, ports=(), metadata=None, **spec):
    container = {"name": "c", "resources": {"requests": requests or {}}, "ports": list(ports)}
    fields = {"containers": [container], "tolerations": TOLERATES, **spec}
    return {"metadata": {"name": name, "namespace": "d", "uid": name, **(metadata or {})}, "spec": fields}


def affinity(*expressions, fields=()):
    term = {"matchExpressions": list(expressions), "matchFields": list(fields)}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}


def expression(key, operator, *values):
    return {"key": key, "operator": operator, "values": list(values)}


AFFINITY = Rejection("NodeAffinity", "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector")
PORT = {"containerPort": 80, "hostPort": 80}


def out_of(name, requested, used, capacity):
    numbers = f"requested: {requested}, used: {used}, capacity: {capacity}"
    return Rejection(f"OutOf{name}", f"Node didn't have enough resource: {name}, {numbers}")


@pytest.mark.parametrize(
    ("asked", "others", "expected"),
    [
        (pod(), [], None),
        (pod(requests={"cpu": "2"}), [], None),
        (pod(requests={"cpu": "1500m"}), [pod(requests={"cpu": "1"})], out_of("cpu", 1500, 1000, 2000)),
        (pod(requests={"memory": "2Gi"}), [], out_of("memory", 2 << 30, 0, 1 << 30)),
        (pod(requests={"x.com/gpu": "2"}), [], out_of("x.com/gpu", 2, 0, 1)),
        (pod(requests={"y.com/unknown": "2"}), [], None),
        (pod(), [pod("a"), pod("b"), pod("c")], out_of("pods", 1, 3, 3)),
        (pod(nodeSelector={"disk": "ssd"}), [], None),
        (pod(nodeSelector={"disk": "hdd"}), [], AFFINITY),
        (pod(affinity=affinity(expression("disk", "In", "ssd"))), [], None),
        (pod(affinity=affinity(expression("cores", "Gt", "8"))), [], AFFINITY),
        (pod(affinity=affinity(fields=[expression("metadata.name", "In", "n")])), [], None),
        (pod(affinity=affinity()), [], AFFINITY),
        (
            pod(nodeName="m"),
            [],
            Rejection("NodeName", "Predicate NodeName failed: node(s) didn't match the requested node name"),
        ),
        (
            pod(ports=[PORT]),
            [pod("a", ports=[PORT])],
            Rejection(
                "NodePorts", "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
            ),
        ),
        (pod(ports=[{**PORT, "hostIP": "10.0.0.1"}]), [pod("a", ports=[{**PORT, "hostIP": "10.0.0.2"}])], None),
        (pod(ports=[PORT]), [pod("a", ports=[{**PORT, "protocol": "UDP"}])], None),
        (
            pod(tolerations=[]),
            [],
            Rejection(
                "TaintToleration", "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate"
            ),
        ),
        (pod(tolerations=[{"key": "k", "value": "v", "effect": "NoExecute"}]), [], None),
        (pod(tolerations=[], metadata={"annotations": {"kubernetes.io/config.source": "file"}}), [], None),
        (
            pod(os={"name": "windows"}),
            [],
            Rejection("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS"),
        ),
        (
            pod(securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}),
            [],
            Rejection("SysctlForbidden", 'forbidden sysctl: "kernel.msgmax" not allowlisted'),
        ),
        (
            pod(securityContext={"appArmorProfile": {"type": "RuntimeDefault"}}),
            [],
            Rejection("AppArmor", "Cannot enforce AppArmor: AppArmor is not enabled on the host"),
        ),
        (
            pod(securityContext={"supplementalGroupsPolicy": "Strict"}),
            [],
            Rejection(
                "SupplementalGroupsPolicyNotSupported",
                "SupplementalGroupsPolicy=Strict is not supported in this node",
            ),
        ),
    ],
)
def test_admission(asked, others, expected):
    assert admit(asked, NODE, others, NodeFacts()) == expected


def test_settings_of_the_node_allow_more():
    facts = NodeFacts(apparmor=True, allowed_unsafe_sysctls=("kernel.msg*",), supplemental_groups_policy=True)
    context = {
        "sysctls": [{"name": "kernel.msgmax", "value": "1"}],
        "appArmorProfile": {"type": "RuntimeDefault"},
        "supplementalGroupsPolicy": "Strict",
    }
    assert admit(pod(securityContext=context), NODE, [], facts) is None


def test_an_unknown_node_takes_nothing():
    assert admit(pod(), None, [], NodeFacts()) == Rejection("InvalidNodeInfo", "Kubelet cannot get node info.")
