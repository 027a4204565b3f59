from pathlib import Path

import pytest

from pynetes.kubelet.runtime.resources import NodeResources, detect, linux_resources, oom_score_adj

GIB = 1 << 30
NODE = NodeResources(memory_capacity=4 * GIB, huge_page_sizes=("1GB", "2MB"))


def pod(*containers, **fields):
    metadata = {"name": "p", "namespace": "d", "uid": "u", **fields.pop("metadata", {})}
    return {"metadata": metadata, "spec": {"containers": list(containers), **fields}}


def container(requests=None, limits=None, **fields):
    return {"name": "c", "resources": {"requests": requests or {}, "limits": limits or {}}, **fields}


@pytest.mark.parametrize(
    ("requests", "limits", "expected"),
    [
        ({}, {}, (2, 0, 0)),
        ({"cpu": "500m"}, {}, (512, 0, 0)),
        ({}, {"cpu": "2"}, (2048, 200_000, 0)),
        ({"cpu": "1m"}, {"cpu": "5m"}, (2, 1000, 0)),
        ({"cpu": "1"}, {"cpu": "1500m", "memory": "1Gi"}, (1024, 150_000, GIB)),
        ({"cpu": "1000"}, {}, (262144, 0, 0)),
    ],
)
def test_cpu_and_memory(requests, limits, expected):
    one = container(requests, limits)
    found = linux_resources(pod(one), one, NODE)
    assert (found.cpu_shares, found.cpu_quota, found.memory_limit_in_bytes) == expected
    assert found.cpu_period == 100_000


def test_sizes_of_huge_pages_are_the_machines():
    names = {"hugepages-64kB": "64KB", "hugepages-2048kB": "2MB", "hugepages-1048576kB": "1GB"}
    there = {path.name for path in Path("/sys/kernel/mm/hugepages").glob("*")}
    found = detect(GIB).huge_page_sizes
    assert set(names.values()) & set(found) == {size for name, size in names.items() if name in there}
    assert len(found) == len(there)


def test_huge_pages_are_limited_to_what_is_asked_for():
    one = container(limits={"hugepages-2Mi": "4Mi"})
    found = linux_resources(pod(one), one, NODE)
    assert {limit.page_size: limit.limit for limit in found.hugepage_limits} == {"1GB": 0, "2MB": 4 << 20}


def test_the_pods_own_limits_hold_where_a_container_has_none():
    one = container()
    found = linux_resources(pod(one, resources={"limits": {"memory": "1Gi", "cpu": "1"}}), one, NODE)
    assert (found.memory_limit_in_bytes, found.cpu_quota) == (GIB, 100_000)


def test_cgroup_v2_kills_whole_containers_and_knows_no_swap():
    one = container(limits={"memory": "1Gi"})
    node = NodeResources(4 * GIB, cgroup_version=2, swap_controller=True)
    assert dict(linux_resources(pod(one), one, node).unified) == {"memory.oom.group": "1", "memory.swap.max": "0"}


@pytest.mark.parametrize(
    ("requests", "limits", "expected"),
    [
        ({}, {}, 1000),
        ({"cpu": "1", "memory": "1Gi"}, {"cpu": "1", "memory": "1Gi"}, -997),
        ({"cpu": "1"}, {}, 999),
        ({"memory": "1Gi"}, {}, 750),
        ({"memory": "4Gi"}, {}, 3),
    ],
)
def test_who_asks_for_more_dies_later(requests, limits, expected):
    one = container(requests, limits)
    assert oom_score_adj(pod(one), one, 4 * GIB) == expected


def test_what_the_node_needs_dies_last():
    one = container()
    assert oom_score_adj(pod(one, priority=2_000_001_000), one, 4 * GIB) == -997


def test_a_sidecar_does_not_die_before_what_it_serves():
    main = container({"memory": "1Gi"})
    side = container({"memory": "1Mi"}, name="side", restartPolicy="Always")
    assert oom_score_adj(pod(main, initContainers=[side]), side, 4 * GIB) == 750
