"""IP families: what is filled in, what is refused."""

from typing import Any

import pytest

from pynetes.apiserver.registry.services.families import settle

V4, DUAL = ["IPv4"], ["IPv4", "IPv6"]
SELECTOR = {"a": "b"}


@pytest.mark.parametrize(
    ("spec", "cluster", "families", "policy"),
    [
        ({"selector": SELECTOR}, V4, V4, "SingleStack"),
        ({"selector": SELECTOR, "ipFamilyPolicy": "PreferDualStack"}, V4, V4, "PreferDualStack"),
        ({"selector": SELECTOR, "ipFamilyPolicy": "PreferDualStack"}, DUAL, DUAL, "PreferDualStack"),
        ({"selector": SELECTOR, "clusterIP": "fd00::1", "clusterIPs": ["fd00::1"]}, DUAL, ["IPv6"], "SingleStack"),
        ({"clusterIP": "None", "clusterIPs": ["None"]}, V4, DUAL, "RequireDualStack"),
        ({"selector": SELECTOR, "clusterIP": "None", "clusterIPs": ["None"]}, V4, V4, "SingleStack"),
    ],
)
def test_defaults(spec: dict[str, Any], cluster: list[str], families: list[str], policy: str) -> None:
    assert settle(spec, None, cluster) == []
    assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == (families, policy)


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"ipFamilyPolicy": "RequireDualStack"}, "this cluster is not configured for dual-stack services"),
        ({"ipFamilies": ["IPv6"]}, "not configured on this cluster"),
        ({"clusterIP": "fd00::1", "clusterIPs": ["fd00::1"]}, "IPv6 is not configured on this cluster"),
        ({"clusterIP": "rubbish", "clusterIPs": ["rubbish"]}, "must be a valid IP address"),
        ({"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.2"]}, "first value must match `clusterIP`"),
        ({"ipFamilies": DUAL}, "must be 'RequireDualStack' or 'PreferDualStack'"),
    ],
)
def test_refusals(spec: dict[str, Any], text: str) -> None:
    errors = settle({"selector": SELECTOR, **spec}, None, V4)
    assert text in str(errors[0])


def test_external_names_have_no_families() -> None:
    spec = {"type": "ExternalName"}
    assert settle(spec, None, V4) == []
    assert spec == {"type": "ExternalName"}
