"""Who may approve and sign certificate requests."""

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.names import CERTIFICATE_SIGNING_REQUESTS as REQUESTS
from pynetes.apiserver.admission.attributes import Attributes, Plugin
from pynetes.apiserver.admission.certificates import CertificateApproval, CertificateSigning, honors
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.authorization.attributes import ALLOW, NO_OPINION, Decision
from pynetes.apiserver.authorization.attributes import Attributes as Question
from pynetes.component import certificates, metrics


class Rights:
    """Allows one verb on one signer."""

    def __init__(self, verb: str, name: str) -> None:
        self.right = ("certificates.k8s.io", "signers", verb, name)

    def authorize(self, attrs: Question) -> Decision:
        return ALLOW if (attrs.group, attrs.resource, attrs.verb, attrs.name) == self.right else NO_OPINION


def attributes(subresource: str, **status: Any) -> Attributes:
    kind = GroupVersionKind("certificates.k8s.io", "v1", "CertificateSigningRequest")
    old = {"metadata": {"name": "r"}, "spec": {"signerName": "a.example/s"}}
    new = {**old, "status": status}
    return Attributes("UPDATE", REQUESTS, kind, "", "r", new, old, UserInfo("jane"), subresource)


async def verdict(plugin: Plugin, attrs: Attributes) -> str:
    if not plugin.handles(attrs):
        return "not asked"
    try:
        await plugin.validate(attrs)
    except StatusError as error:
        return f"{error.code} {error.message}"
    return "ok"


@pytest.mark.parametrize(
    ("verb", "name", "expected"),
    [
        ("approve", "a.example/s", "ok"),
        ("approve", "a.example/*", "ok"),
        ("sign", "a.example/s", 'user not permitted to approve requests with signerName "a.example/s"'),
        ("approve", "b.example/*", 'user not permitted to approve requests with signerName "a.example/s"'),
    ],
)
async def test_approval_is_a_right_on_the_signer(verb: str, name: str, expected: str) -> None:
    assert (await verdict(CertificateApproval(Rights(verb, name)), attributes("approval"))).endswith(expected)


@pytest.mark.parametrize(
    ("name", "status", "expected"),
    [
        ("a.example/s", {"certificate": "AAAA"}, "ok"),
        ("a.example/*", {"conditions": [{"type": "Failed"}]}, "ok"),
        ("x", {"certificate": "AAAA"}, 'user not permitted to sign requests with signerName "a.example/s"'),
        ("x", {"conditions": [{"type": "Failed"}]}, "403 "),
        ("x", {}, "ok"),
    ],
)
async def test_signing_is_a_right_on_the_signer(name: str, status: dict[str, Any], expected: str) -> None:
    assert expected in await verdict(CertificateSigning(Rights("sign", name)), attributes("status", **status))


async def test_other_writes_are_nobodys_business() -> None:
    assert await verdict(CertificateApproval(Rights("x", "x")), attributes("")) == "not asked"
    assert await verdict(CertificateSigning(Rights("x", "x")), attributes("approval")) == "not asked"


@pytest.mark.parametrize(("given", "told"), [(3600, True), (3600 + 479, True), (3600 + 480, False), (1800, False)])
def test_a_certificate_may_hold_a_little_longer_than_asked_for(given: int, told: bool) -> None:
    assert honors(3600, given) == told


async def test_durations_of_certificates_are_counted_once_they_are_issued() -> None:
    def count(name: str) -> int:
        series = f'apiserver_certificates_registry_csr_{name}_duration_total{{signerName="other"}} '
        lines = (line for line in metrics.render().decode().splitlines() if line.startswith(series))
        return int(float(next(lines, "0").rpartition(" ")[2]))

    pair = certificates.self_issued(certificates.LOCALHOST)
    issued = base64.b64encode(pair.certificate.public_bytes(Encoding.PEM)).decode()
    given = pair.certificate.not_valid_after_utc - pair.certificate.not_valid_before_utc
    before = count("requested"), count("honored")
    for wanted in (int(given.total_seconds()), 3600):
        attrs = attributes("status", certificate=issued)
        assert attrs.old is not None
        attrs.old["spec"]["expirationSeconds"] = wanted
        assert await verdict(CertificateSigning(Rights("sign", "a.example/s")), attrs) == "ok"
    assert (count("requested"), count("honored")) == (before[0] + 2, before[1] + 1)
