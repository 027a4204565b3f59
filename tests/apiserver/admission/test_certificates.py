"""Who may approve and sign certificate requests."""

from typing import Any

import pytest

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.names import CERTIFICATE_SIGNING_REQUESTS as REQUESTS
from pynetes.apiserver.admission.attributes import Attributes, Plugin
from pynetes.apiserver.admission.certificates import CertificateApproval, CertificateSigning
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.authorization.attributes import ALLOW, NO_OPINION, Decision
from pynetes.apiserver.authorization.attributes import Attributes as Question


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
