"""Table columns of the group."""

from pynetes.apimachinery.times import human_duration
from pynetes.apis.cells import NONE, at, field
from pynetes.apis.resource import AGE, NAME, Column, Object, schema_text

_SPEC = "certificates.v1.CertificateSigningRequestSpec."
# Upstream's table describes these with the texts of v1beta1.
_SIGNER = """Requested signer for the request. It is a qualified name in the form: `scope-hostname.io/name`. \
If empty, it will be defaulted:
 1. If it's a kubelet client certificate, it is assigned
    "kubernetes.io/kube-apiserver-client-kubelet".
 2. If it's a kubelet serving certificate, it is assigned
    "kubernetes.io/kubelet-serving".
 3. Otherwise, it is assigned "kubernetes.io/legacy-unknown".
Distribution of trust for signers happens out of band. You can select on this field using `spec.signerName`."""


def _requested_duration(request: Object) -> str:
    seconds = at(request, "spec", "expirationSeconds")
    return NONE if seconds is None else human_duration(seconds)


def _condition(request: Object) -> str:
    types = {c.get("type") for c in at(request, "status", "conditions") or ()}
    words = ["Denied" if "Denied" in types else "Approved" if "Approved" in types else "Pending"]
    if "Failed" in types:
        words.append("Failed")
    if at(request, "status", "certificate"):
        words.append("Issued")
    return ",".join(words)


CERTIFICATE_SIGNING_REQUEST = (
    NAME,
    AGE,
    Column("SignerName", lambda o: at(o, "spec", "signerName") or NONE, description=_SIGNER),
    Column("Requestor", field("spec", "username"), description="Base64-encoded PKCS#10 CSR data"),
    Column("RequestedDuration", _requested_duration, description=schema_text(_SPEC + "expirationSeconds")),
    Column(
        "Condition",
        _condition,
        description="Conditions applied to the request, such as approval or denial.",
    ),
)
