"""Table columns of the group."""

from pynetes.apimachinery.times import human_duration
from pynetes.apis.cells import NONE, at, field
from pynetes.apis.resource import AGE, NAME, Column, Object, schema_text

_SPEC = "certificates.v1.CertificateSigningRequestSpec."


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
    Column("SignerName", lambda o: at(o, "spec", "signerName") or NONE, description=schema_text(_SPEC + "signerName")),
    Column("Requestor", field("spec", "username"), description=schema_text(_SPEC + "request")),
    Column("RequestedDuration", _requested_duration, description=schema_text(_SPEC + "expirationSeconds")),
    Column(
        "Condition",
        _condition,
        description=schema_text("certificates.v1.CertificateSigningRequestStatus.conditions"),
    ),
)
