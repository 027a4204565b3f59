"""What a container may use, in CRI's terms: CPU shares and quota, memory, huge pages, swap, OOM score."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct, field

from pynetes.apimachinery import quantity
from pynetes.apimachinery.quantity import Quantity
from pynetes.kubelet import pod as pods
from pynetes.kubelet import pod_resources
from pynetes.kubelet.cri import runtime_pb2 as pb

_GUARANTEED, _BEST_EFFORT = -997, 1000
_NODE_CRITICAL_PRIORITY = 2_000_001_000
_MIN_SHARES, _MAX_SHARES = 2, 262144
_MIN_QUOTA_US = 1000


class NodeResources(Struct, frozen=True):
    """What of the node matters to a container's limits."""

    memory_capacity: int
    cpu_cfs_quota: bool = True
    cpu_cfs_quota_period: float = 0.1
    cgroup_version: Literal[1, 2] = 1
    swap_controller: bool = False
    huge_page_sizes: tuple[str, ...] = field(default_factory=tuple)
    """As the kernel writes them: `2MB`, `1GB`."""


def detect(memory_capacity: int, *, cpu_cfs_quota: bool = True, cpu_cfs_quota_period: float = 0.1) -> NodeResources:
    version: Literal[1, 2] = 2 if Path("/sys/fs/cgroup/cgroup.controllers").exists() else 1
    swap = "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes"
    if version == 2:
        own = Path("/proc/self/cgroup").read_text().partition("::")[2].strip()
        swap = f"/sys/fs/cgroup{own}/memory.swap.max"
    sizes = sorted(_size_name(int(p.name[10:-2])) for p in Path("/sys/kernel/mm/hugepages").glob("hugepages-*kB"))
    return NodeResources(
        memory_capacity=memory_capacity,
        cpu_cfs_quota=cpu_cfs_quota,
        cpu_cfs_quota_period=cpu_cfs_quota_period,
        cgroup_version=version,
        swap_controller=Path(swap).exists(),
        huge_page_sizes=tuple(sizes),
    )


def _size_name(kib: int) -> str:
    """64 → `64KB`, 2048 → `2MB`, 1048576 → `1GB`."""
    for factor, unit in ((1 << 20, "GB"), (1 << 10, "MB")):
        if kib >= factor:
            return f"{kib // factor}{unit}"
    return f"{kib}KB"


def cpu_shares(milli_cpu: int) -> int:
    return min(max(milli_cpu * 1024 // 1000, _MIN_SHARES), _MAX_SHARES)


def cpu_quota(milli_cpu: int, period_us: int) -> int:
    return max(milli_cpu * period_us // 1000, _MIN_QUOTA_US) if milli_cpu else 0


def _amount(resources: Mapping[str, Any], kind: str, name: str) -> Quantity | None:
    value = (resources.get(kind) or {}).get(name)
    return None if value is None else quantity.parse(value)


def _limit(pod: Mapping[str, Any], container: Mapping[str, Any], name: str) -> Quantity | None:
    """The container's, else the pod's own."""
    found = _amount(container.get("resources") or {}, "limits", name)
    return found or _amount(pod["spec"].get("resources") or {}, "limits", name)


def linux_resources(
    pod: Mapping[str, Any], container: Mapping[str, Any], node: NodeResources
) -> pb.LinuxContainerResources:
    request = _amount(container.get("resources") or {}, "requests", "cpu")
    cpu_limit, memory_limit = _limit(pod, container, "cpu"), _limit(pod, container, "memory")
    # Without a request the limit counts as one; the API server defaults so too.
    shares_of = request if request is not None else cpu_limit
    out = pb.LinuxContainerResources(
        cpu_shares=cpu_shares(shares_of.milli_value() if shares_of else 0),
        memory_limit_in_bytes=memory_limit.value() if memory_limit else 0,
        oom_score_adj=oom_score_adj(pod, container, node.memory_capacity),
        hugepage_limits=_huge_pages(pod, container, node),
    )
    if node.cpu_cfs_quota:
        out.cpu_period = round(node.cpu_cfs_quota_period * 1_000_000)
        out.cpu_quota = cpu_quota(cpu_limit.milli_value() if cpu_limit else 0, out.cpu_period)
    if node.cgroup_version == 2:
        # An out-of-memory container dies whole, not one process of it.
        out.unified["memory.oom.group"] = "1"
    if node.swap_controller:
        # Upstream's NoSwap: a memory limit is the limit of memory and swap together.
        if node.cgroup_version == 2:
            out.unified["memory.swap.max"] = "0"
        out.memory_swap_limit_in_bytes = out.memory_limit_in_bytes
    return out


def resized(pod: Mapping[str, Any], container: Mapping[str, Any], node: NodeResources) -> pb.LinuxContainerResources:
    """Only what can change while a container runs."""
    whole = linux_resources(pod, container, node)
    return pb.LinuxContainerResources(
        cpu_period=whole.cpu_period,
        # Without a limit any more, the quota has to be taken away by name.
        cpu_quota=whole.cpu_quota or -1,
        cpu_shares=whole.cpu_shares,
        memory_limit_in_bytes=whole.memory_limit_in_bytes,
        memory_swap_limit_in_bytes=whole.memory_swap_limit_in_bytes,
    )


def oom_score_adj(pod: Mapping[str, Any], container: Mapping[str, Any], memory_capacity: int) -> int:
    """Who dies first when the node runs out of memory: those above their request, best effort before all."""
    if pods.is_static(pod) or pods.is_mirror(pod) or (pod["spec"].get("priority") or 0) >= _NODE_CRITICAL_PRIORITY:
        return _GUARANTEED
    qos = pod_resources.qos_class(pod)
    if qos == "Guaranteed":
        return _GUARANTEED
    if qos == "BestEffort":
        return _BEST_EFFORT
    spare = _spare_request(pod)
    score = _score(_memory_request(container) + spare, memory_capacity)
    if pods.is_sidecar(container) and any(c["name"] == container["name"] for c in pods.init_containers(pod)):
        # A sidecar must not die before the containers it serves.
        smallest = min(_memory_request(c) for c in pods.containers(pod))
        score = min(score, _score(smallest + spare, memory_capacity))
    if score < 1000 + _GUARANTEED:
        return 1000 + _GUARANTEED
    return score - 1 if score == _BEST_EFFORT else score


def _score(request: int, capacity: int) -> int:
    return 1000 - 1000 * request // max(capacity, 1)


def _memory_request(container: Mapping[str, Any]) -> int:
    found = _amount(container.get("resources") or {}, "requests", "memory")
    return found.value() if found else 0


def _spare_request(pod: Mapping[str, Any]) -> int:
    """Each container's part of the pod-level memory request that no container asked for itself."""
    whole = _amount(pod["spec"].get("resources") or {}, "requests", "memory")
    if whole is None:
        return 0
    sharing = [*pods.containers(pod), *(c for c in pods.init_containers(pod) if pods.is_sidecar(c))]
    left = whole.value() - sum(_memory_request(c) for c in sharing)
    return max(left, 0) // max(len(sharing), 1)


def _huge_pages(pod: Mapping[str, Any], container: Mapping[str, Any], node: NodeResources) -> list[pb.HugepageLimit]:
    """Every size the node has is limited: to nothing unless asked for."""
    wanted: dict[str, int] = {}
    for owner in (pod["spec"], container):
        for name, value in ((owner.get("resources") or {}).get("limits") or {}).items():
            if name.startswith("hugepages-"):
                size = quantity.parse(name.removeprefix("hugepages-")).value()
                wanted[_size_name(size // 1024)] = quantity.parse(value).value()
    return [pb.HugepageLimit(page_size=size, limit=wanted.get(size, 0)) for size in node.huge_page_sizes]
