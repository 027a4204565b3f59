"""CertificateApproval, CertificateSigning, CertificateSubjectRestriction: who may do what with signing requests.

A right to approve or sign is one on the (virtual) resource `signers`, by the signer's name or its domain's `/*`.
"""

import base64

from cryptography import x509
from cryptography.x509.oid import NameOID

from pynetes.apis.certificates.signing_request_validation import request_problem
from pynetes.apis.equality import semantic_equal
from pynetes.apiserver.admission.attributes import Attributes, Plugin
from pynetes.apiserver.authentication.user import PRIVILEGED, UserInfo
from pynetes.apiserver.authorization.attributes import Attributes as Question
from pynetes.apiserver.authorization.attributes import Authorizer, decide
from pynetes.component import metrics

GROUP, RESOURCE = "certificates.k8s.io", "certificatesigningrequests"
CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client"


_requested = metrics.counter(
    "apiserver_certificates_registry_csr_requested_duration_total",
    "Total number of issued CSRs with a requested duration, sliced by signer (only kubernetes.io signer names are "
    "specifically identified)",
    ("signerName",),
)
_honored = metrics.counter(
    "apiserver_certificates_registry_csr_honored_duration_total",
    "Total number of issued CSRs with a requested duration that was honored, sliced by signer (only kubernetes.io "
    "signer names are specifically identified)",
    ("signerName",),
)


def honors(wanted: float, given: float) -> bool:
    """Whether a certificate holds about as long as asked for, in seconds: it may begin before it was issued."""
    return abs(wanted - given) < 300 + wanted / 20


def _count_duration(signer: str, wanted: int, issued: str) -> None:
    label = signer if signer.startswith("kubernetes.io/") else "other"
    _requested.labels(label).inc()
    try:
        certificate = x509.load_pem_x509_certificates(base64.b64decode(issued))[0]
    except ValueError:
        return
    given = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    if honors(wanted, given.total_seconds()):
        _honored.labels(label).inc()


async def may(authorizer: Authorizer, user: UserInfo, verb: str, signer: str) -> bool:
    """Whether `user` may approve or sign for `signer`, by its name or as one of its domain."""
    names = (signer, signer.partition("/")[0] + "/*")
    questions = [Question(user, verb, group=GROUP, version="*", resource="signers", name=name) for name in names]
    for question in questions:
        if (await decide(authorizer, question)).allowed:
            return True
    return False


def _signer(attrs: Attributes) -> str:
    """The stored object's: an update cannot change it, but may try."""
    assert attrs.old is not None
    return str((attrs.old.get("spec") or {}).get("signerName") or "")


class CertificateApproval(Plugin):
    name = "CertificateApproval"
    asks_only_kind = True

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    def handles(self, attrs: Attributes) -> bool:
        return attrs.operation == "UPDATE" and attrs.is_resource(GROUP, RESOURCE, "approval")

    async def validate(self, attrs: Attributes) -> None:
        signer = _signer(attrs)
        if not await may(self._authorizer, attrs.user, "approve", signer):
            raise attrs.forbid(f'user not permitted to approve requests with signerName "{signer}"')


class CertificateSigning(Plugin):
    name = "CertificateSigning"
    asks_only_kind = True

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    def handles(self, attrs: Attributes) -> bool:
        return attrs.operation == "UPDATE" and attrs.is_resource(GROUP, RESOURCE, "status")

    async def validate(self, attrs: Attributes) -> None:
        assert attrs.obj is not None
        assert attrs.old is not None
        new, old = attrs.obj.get("status") or {}, attrs.old.get("status") or {}
        unchanged = (new.get("certificate") or "") == (old.get("certificate") or "") and semantic_equal(
            new.get("conditions") or [], old.get("conditions") or []
        )
        signer = _signer(attrs)
        if not unchanged and not await may(self._authorizer, attrs.user, "sign", signer):
            raise attrs.forbid(f'user not permitted to sign requests with signerName "{signer}"')
        wanted, issued = (attrs.old.get("spec") or {}).get("expirationSeconds"), new.get("certificate")
        if wanted is not None and issued and not old.get("certificate") and not attrs.dry_run:
            _count_duration(signer, wanted, issued)


class CertificateSubjectRestriction(Plugin):
    """Nobody becomes one of the privileged group by certificate of the client signer."""

    name = "CertificateSubjectRestriction"
    asks_only_kind = True

    def handles(self, attrs: Attributes) -> bool:
        return attrs.operation == "CREATE" and attrs.is_resource(GROUP, RESOURCE)

    async def validate(self, attrs: Attributes) -> None:
        assert attrs.obj is not None
        spec = attrs.obj.get("spec") or {}
        if spec.get("signerName") != CLIENT_SIGNER:
            return
        if problem := request_problem(spec.get("request") or ""):
            raise attrs.forbid(f"failed to parse CSR: {problem}")
        request = x509.load_pem_x509_csr(base64.b64decode(spec["request"]))
        organizations = [a.value for a in request.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
        if PRIVILEGED in organizations:
            raise attrs.forbid(f"use of {CLIENT_SIGNER} signer with {PRIVILEGED} group is not allowed")
