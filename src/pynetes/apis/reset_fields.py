"""Which fields a write through an endpoint does not change, whatever it says: so its sender does not own them.

The rule: the object's endpoint resets the status, the status' endpoint the spec. The table names where it is more.
"""

from pynetes.apimachinery.managedfields import Reset
from pynetes.apimachinery.managedfields.versions import excluding
from pynetes.apis.resource import Resource

_STATUS_OF: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "Pod"): ("spec", "metadata.deletionTimestamp", "metadata.ownerReferences"),
    ("apps", "Deployment"): ("spec", "metadata.labels"),
    ("certificates.k8s.io", "CertificateSigningRequest"): ("spec", "status.conditions"),
    **dict.fromkeys(
        (
            ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
            ("apiregistration.k8s.io", "APIService"),
            ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
            ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
            ("networking.k8s.io", "ServiceCIDR"),
            ("resource.k8s.io", "DeviceTaintRule"),
            ("resource.k8s.io", "ResourceClaim"),
            ("storage.k8s.io", "VolumeAttachment"),
        ),
        ("spec", "metadata"),
    ),
}
_OBJECT: dict[tuple[str, str], tuple[str, ...]] = {
    ("certificates.k8s.io", "CertificateSigningRequest"): ("spec", "status"),
}
_OTHERS: dict[str, Reset] = {
    "approval": excluding("spec", "status.certificate"),
    "finalize": excluding("status"),
}


def reset_of(resource: Resource, subresource: str) -> Reset | None:
    """None where nothing is reset."""
    kind = (resource.gvk.group, resource.gvk.kind)
    if subresource == "status":
        return excluding(*_STATUS_OF.get(kind, ("spec",)))
    if subresource:
        return _OTHERS.get(subresource)
    if not resource.has_status:
        return None
    return excluding(*_OBJECT.get(kind, ("status",)))
