"""The order of groups and of versions within them: that of upstream's APIServices."""

from collections.abc import Mapping

from pynetes.apimachinery.versions import version_key

#: group → (its priority, version → its priority)
_BUILT_IN: dict[str, tuple[int, dict[str, int]]] = {
    "apiregistration.k8s.io": (20000, {"v1": 18}),
    "": (18000, {"v1": 1}),
    "apps": (17800, {"v1": 15}),
    "events.k8s.io": (17750, {"v1": 15}),
    "authentication.k8s.io": (17700, {"v1": 15}),
    "authorization.k8s.io": (17600, {"v1": 15}),
    "autoscaling": (17500, {"v1": 15, "v2": 30}),
    "batch": (17400, {"v1": 15}),
    "certificates.k8s.io": (17300, {"v1": 15}),
    "networking.k8s.io": (17200, {"v1": 15}),
    "policy": (17100, {"v1": 15}),
    "rbac.authorization.k8s.io": (17000, {"v1": 15}),
    "storage.k8s.io": (16800, {"v1": 15}),
    "admissionregistration.k8s.io": (16700, {"v1": 15}),
    "apiextensions.k8s.io": (16700, {"v1": 15}),
    "scheduling.k8s.io": (16600, {"v1": 15}),
    "coordination.k8s.io": (16500, {"v1": 15}),
    "node.k8s.io": (16300, {"v1": 15}),
    "discovery.k8s.io": (16200, {"v1": 15}),
    "resource.k8s.io": (16200, {"v1": 21}),
    "flowcontrol.apiserver.k8s.io": (16100, {"v1": 21}),
}
#: Groups of custom resources come late, whoever defines them.
CUSTOM = (1000, 100)


def priority(group: str, version: str) -> tuple[int, int]:
    """(of the group, of the version) for what this server serves itself."""
    whole, versions = _BUILT_IN.get(group, (CUSTOM[0], {}))
    return whole, versions.get(version, CUSTOM[1])


def listed(ranks: Mapping[tuple[str, str], tuple[int, int]]) -> list[str]:
    """The groups in the order in which /apis lists them: among equals it is the name of an APIService that counts."""
    services = sorted(ranks, key=lambda key: (-ranks[key][0], f"{key[1]}.{key[0]}"))
    return list(dict.fromkeys(group for group, _ in services))


def ordered(ranks: Mapping[tuple[str, str], tuple[int, int]]) -> dict[str, list[str]]:
    """(group, version) → priorities, as groups in their order, each with its versions in theirs."""
    groups: dict[str, int] = {}
    for (group, _), (whole, _) in ranks.items():
        groups[group] = max(whole, groups.get(group, 0))
    return {
        group: sorted(
            (version for other, version in ranks if other == group),
            key=lambda version: (-ranks[group, version][1], version_key(version)),
        )
        for group in sorted(groups, key=lambda group: (-groups[group], group))
    }
