from typing import Any

import pytest

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.registry import RESOURCES, by_gvk
from pynetes.apis.reset_fields import reset_of
from pynetes.apis.strategy import RESET_METADATA

WRITTEN: dict[str, Any] = {
    "f:metadata": {"f:annotations": {"f:a": {}}, "f:labels": {"f:a": {}}, "f:ownerReferences": {}},
    "f:spec": {"f:x": {}},
    "f:status": {"f:certificate": {}, "f:conditions": {}},
}


@pytest.mark.parametrize(
    ("gvk", "subresource", "left"),
    [
        (("", "v1", "ConfigMap"), "", WRITTEN.keys()),
        (("", "v1", "Pod"), "", ("f:metadata", "f:spec")),
        (("", "v1", "Pod"), "status", ("f:metadata", "f:status")),
        (("", "v1", "Pod"), "resize", WRITTEN.keys()),
        (("", "v1", "Namespace"), "finalize", ("f:metadata", "f:spec")),
        (("storage.k8s.io", "v1", "VolumeAttachment"), "status", ("f:status",)),
        (("certificates.k8s.io", "v1", "CertificateSigningRequest"), "", ("f:metadata",)),
    ],
)
def test_what_is_left_of_a_write(gvk: tuple[str, str, str], subresource: str, left: Any) -> None:
    resource = by_gvk(GroupVersionKind(*gvk))
    assert resource is not None
    reset = reset_of(resource, subresource)
    assert set(reset(WRITTEN) if reset else WRITTEN) == set(left)


@pytest.mark.parametrize(
    ("gvk", "subresource", "group", "left"),
    [
        (("", "v1", "Pod"), "status", "f:metadata", {"f:annotations", "f:labels"}),
        (("apps", "v1", "Deployment"), "status", "f:metadata", {"f:annotations", "f:ownerReferences"}),
        (("certificates.k8s.io", "v1", "CertificateSigningRequest"), "status", "f:status", {"f:certificate"}),
        (("certificates.k8s.io", "v1", "CertificateSigningRequest"), "approval", "f:status", {"f:conditions"}),
    ],
)
def test_parts_that_are_reset(gvk: tuple[str, str, str], subresource: str, group: str, left: set[str]) -> None:
    resource = by_gvk(GroupVersionKind(*gvk))
    assert resource is not None
    reset = reset_of(resource, subresource)
    assert reset is not None
    assert set(reset(WRITTEN)[group]) == left


def test_metadata_that_a_status_does_not_own_is_kept() -> None:
    for resource in (each for each in RESOURCES if each.has_status):
        reset = reset_of(resource, "status")
        assert reset is not None
        keeps = resource.strategy.status_keeps_metadata
        assert ("f:metadata" not in reset(WRITTEN)) == (keeps == RESET_METADATA), resource.gvk


def test_whoever_has_a_status_has_it_reset() -> None:
    for resource in RESOURCES:
        reset = reset_of(resource, "")
        assert (reset is not None) == resource.has_status, resource.gvk
        if reset is not None:
            assert "f:status" not in reset(WRITTEN)
