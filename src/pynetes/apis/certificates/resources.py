"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.resource import STATUS, Resource, Strategy, Subresource


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("certificates.k8s.io", "v1", kind)


class _WithStatus(Strategy):
    has_status = True


RESOURCES: tuple[Resource, ...] = (
    Resource(
        _kind("CertificateSigningRequest"),
        "certificatesigningrequests",
        namespaced=False,
        strategy=_WithStatus(),
        short_names=("csr",),
        subresources=(
            Subresource("approval"),
            STATUS,
        ),
    ),
)
