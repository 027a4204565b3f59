"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.certificates.columns import CERTIFICATE_SIGNING_REQUEST
from pynetes.apis.certificates.signing_request import ApprovalStrategy, SigningRequestStrategy
from pynetes.apis.resource import STATUS, Resource, Subresource


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("certificates.k8s.io", "v1", kind)


RESOURCES: tuple[Resource, ...] = (
    Resource(
        _kind("CertificateSigningRequest"),
        "certificatesigningrequests",
        namespaced=False,
        strategy=SigningRequestStrategy(),
        columns=CERTIFICATE_SIGNING_REQUEST,
        short_names=("csr",),
        subresources=(
            Subresource("approval", strategy=ApprovalStrategy()),
            STATUS,
        ),
    ),
)
