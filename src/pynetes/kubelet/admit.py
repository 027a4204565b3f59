"""Whether this node takes a pod: the scheduler's word is checked where the pod would run. Pure.

Reasons and messages are upstream's; a refused pod fails with them.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from pynetes.apimachinery import quantity
from pynetes.kubelet import pod as pods
from pynetes.kubelet import pod_resources
from pynetes.kubelet.node_affinity import matches_node
from pynetes.kubelet.runtime.security_context import apparmor_profile

Pod = Mapping[str, Any]
Node = Mapping[str, Any]

_SAFE_SYSCTLS = frozenset(
    (
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_wmem",
    )
)
_NATIVE = frozenset(("cpu", "memory", "ephemeral-storage", "pods"))


class Rejection(Struct, frozen=True):
    reason: str
    message: str


class NodeFacts(Struct, frozen=True):
    """What of the node's own settings decides."""

    apparmor: bool = False
    allowed_unsafe_sysctls: tuple[str, ...] = ()
    supplemental_groups_policy: bool = False


def admit(pod: Pod, node: Node | None, others: Iterable[Pod], facts: NodeFacts) -> Rejection | None:
    """None takes the pod. `others` are the pods that are alive on the node."""
    if node is None:
        return Rejection("InvalidNodeInfo", "Kubelet cannot get node info.")
    alive = list(others)
    checks: tuple[Callable[[], Rejection | None], ...] = (
        lambda: _sysctls(pod, facts),
        lambda: _apparmor(pod, facts),
        lambda: _operating_system(pod),
        lambda: _supplemental_groups(pod, facts),
        lambda: _resources(pod, node, alive),
        lambda: _affinity(pod, node),
        lambda: _node_name(pod, node),
        lambda: _ports(pod, alive),
        lambda: _taints(pod, node),
    )
    for check in checks:
        if rejection := check():
            return rejection
    return None


def _predicate(name: str, why: str) -> Rejection:
    return Rejection(name, f"Predicate {name} failed: {why}")


def _sysctls(pod: Pod, facts: NodeFacts) -> Rejection | None:
    for item in (pod["spec"].get("securityContext") or {}).get("sysctls") or ():
        name = item["name"].replace("/", ".")
        allowed = any(
            name == pattern or (pattern.endswith("*") and name.startswith(pattern[:-1]))
            for pattern in facts.allowed_unsafe_sysctls
        )
        if name not in _SAFE_SYSCTLS and not allowed:
            return Rejection("SysctlForbidden", f'forbidden sysctl: "{item["name"]}" not allowlisted')
        if why := _namespace_conflict(pod, name):
            return Rejection("SysctlForbidden", f'forbidden sysctl: "{item["name"]}" not allowed with {why} enabled')
    return None


def _namespace_conflict(pod: Pod, name: str) -> str:
    if name.startswith("net.") and pod["spec"].get("hostNetwork"):
        return "host net"
    of_ipc = name.startswith(("kernel.shm", "kernel.msg", "fs.mqueue.")) or name in ("kernel.sem",)
    return "host ipc" if of_ipc and pod["spec"].get("hostIPC") else ""


def _apparmor(pod: Pod, facts: NodeFacts) -> Rejection | None:
    if facts.apparmor or (pod.get("status") or {}).get("phase", "Pending") != "Pending":
        return None
    for _, container in pods.all_containers(pod):
        profile = apparmor_profile(pod, container)
        if profile is not None and profile.get("type") != "Unconfined":
            return Rejection("AppArmor", "Cannot enforce AppArmor: AppArmor is not enabled on the host")
    return None


def _operating_system(pod: Pod) -> Rejection | None:
    if (pod["metadata"].get("labels") or {}).get("kubernetes.io/os", "linux") != "linux":
        text = "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label"
        return Rejection("PodOSSelectorNodeLabelDoesNotMatch", text)
    if (pod["spec"].get("os") or {}).get("name", "linux") != "linux":
        return Rejection("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS")
    return None


def _supplemental_groups(pod: Pod, facts: NodeFacts) -> Rejection | None:
    policy = (pod["spec"].get("securityContext") or {}).get("supplementalGroupsPolicy")
    if policy != "Strict" or facts.supplemental_groups_policy:
        return None
    text = "SupplementalGroupsPolicy=Strict is not supported in this node"
    return Rejection("SupplementalGroupsPolicyNotSupported", text)


def _resources(pod: Pod, node: Node, others: list[Pod]) -> Rejection | None:
    allocatable = (node.get("status") or {}).get("allocatable") or {}
    limit = quantity.parse(allocatable.get("pods", 0)).value()
    if len(others) + 1 > limit:
        return _insufficient("pods", 1, len(others), limit)
    wanted = pod_resources.requests(pod)
    used = [pod_resources.requests(other) for other in others]
    for name, amount in wanted.items():
        # Extended resources that the node does not know are the cluster's own business.
        if (name not in _NATIVE and name not in allocatable) or not amount:
            continue
        milli = name == "cpu"
        capacity = quantity.parse(allocatable.get(name, 0))
        taken = sum((_number(u[name], milli) for u in used if name in u), 0)
        if _number(amount, milli) > _number(capacity, milli) - taken:
            return _insufficient(name, _number(amount, milli), taken, _number(capacity, milli))
    return None


def _number(value: quantity.Quantity, milli: bool) -> int:
    return value.milli_value() if milli else value.value()


def _insufficient(name: str, requested: int, used: int, capacity: int) -> Rejection:
    text = f"Node didn't have enough resource: {name}, requested: {requested}, used: {used}, capacity: {capacity}"
    return Rejection(f"OutOf{name}", text)


def _affinity(pod: Pod, node: Node) -> Rejection | None:
    if matches_node(pod["spec"], node):
        return None
    return _predicate("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")


def _node_name(pod: Pod, node: Node) -> Rejection | None:
    name = pod["spec"].get("nodeName")
    if not name or name == node["metadata"]["name"]:
        return None
    return _predicate("NodeName", "node(s) didn't match the requested node name")


def _host_ports(pod: Pod) -> Iterable[tuple[str, str, int]]:
    sidecars = [c for c in pods.init_containers(pod) if pods.is_sidecar(c)]
    for container in [*pods.containers(pod), *sidecars]:
        for port in container.get("ports") or ():
            if port.get("hostPort"):
                yield port.get("hostIP") or "0.0.0.0", port.get("protocol") or "TCP", port["hostPort"]


def _ports(pod: Pod, others: list[Pod]) -> Rejection | None:
    taken = {port for other in others for port in _host_ports(other)}
    for address, protocol, number in _host_ports(pod):
        for other_address, other_protocol, other_number in taken:
            same = protocol == other_protocol and number == other_number
            if same and (address == other_address or "0.0.0.0" in (address, other_address)):
                return _predicate("NodePorts", "node(s) didn't have free ports for the requested pod ports")
    return None


def _taints(pod: Pod, node: Node) -> Rejection | None:
    if pods.is_static(pod):
        return None
    tolerations = pod["spec"].get("tolerations") or ()
    for taint in node["spec"].get("taints") or ():
        if taint.get("effect") == "NoExecute" and not any(_tolerates(t, taint) for t in tolerations):
            return _predicate("TaintToleration", "node(s) had taints that the pod didn't tolerate")
    return None


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    operator = toleration.get("operator") or "Equal"
    if operator == "Exists":
        return True
    if operator in ("Lt", "Gt"):
        return _compares(operator, toleration.get("value"), taint.get("value"))
    return bool(toleration.get("key")) and (toleration.get("value") or "") == (taint.get("value") or "")


def _compares(operator: str, bound: str | None, value: str | None) -> bool:
    try:
        number, limit = int(value or ""), int(bound or "")
    except ValueError:
        return False
    return number < limit if operator == "Lt" else number > limit
