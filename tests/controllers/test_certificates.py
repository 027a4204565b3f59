"""Certificate signing requests: who is approved, what is signed, what is cleaned up."""

import base64
import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from controller_cluster import Cluster, running
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from signing_requests import CLIENT, SERVER, inner, request

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import CERTIFICATE_SIGNING_REQUESTS as REQUESTS
from pynetes.apis.names import CLUSTER_ROLE_BINDINGS
from pynetes.component import certificates
from pynetes.controllers.certificates import authority, signers
from pynetes.controllers.certificates.approving import permissions
from pynetes.controllers.certificates.cleaner import is_over
from pynetes.controllers.certificates.serving import is_own, known, vouched

NOW = datetime(2026, 5, 1, tzinfo=UTC)
DNS, IP = x509.DNSName("n2"), x509.IPAddress(ipaddress.ip_address("10.0.0.2"))
URI, EMAIL = x509.UniformResourceIdentifier("https://n2"), x509.RFC822Name("a@b.example")


@pytest.mark.parametrize(
    ("signer", "made", "usages", "problem"),
    [
        (signers.KUBELET_CLIENT, inner(), CLIENT, ""),
        (signers.KUBELET_CLIENT, inner(), (*CLIENT, "key encipherment"), ""),
        (signers.KUBELET_CLIENT, inner(organization="x"), CLIENT, "subject organization is not system:nodes"),
        (signers.KUBELET_CLIENT, inner("x"), CLIENT, "subject common name does not begin with system:node:"),
        (signers.KUBELET_CLIENT, inner("system:node:a", "system:nodes", DNS), CLIENT, "DNS subjectAltNames are not"),
        (signers.KUBELET_CLIENT, inner("system:node:a", "system:nodes", IP), CLIENT, "IP subjectAltNames are not"),
        (
            signers.KUBELET_CLIENT,
            inner(),
            SERVER,
            "usages did not match [client auth digital signature key encipherment]",
        ),
        (signers.KUBELET_SERVING, inner("system:node:a", "system:nodes", DNS, IP), SERVER, ""),
        (signers.KUBELET_SERVING, inner(), SERVER, "DNS or IP subjectAltName is required"),
        (signers.KUBELET_SERVING, inner("system:node:a", "system:nodes", DNS, URI), SERVER, "URI subjectAltNames"),
        (signers.KUBELET_SERVING, inner("system:node:a", "system:nodes", IP, EMAIL), SERVER, "Email subjectAltNames"),
        (signers.API_CLIENT, inner("jane", ""), CLIENT, ""),
        (signers.API_CLIENT, inner("jane", ""), SERVER, "invalid usage for client certificate: server auth"),
        (
            signers.API_CLIENT,
            inner("jane", ""),
            ("digital signature",),
            "missing required usage for client certificate: client auth",
        ),
        (signers.LEGACY_UNKNOWN, inner("anything", ""), ("code signing",), ""),
    ],
)
def test_what_a_signer_takes(
    signer: str, made: x509.CertificateSigningRequest, usages: tuple[str, ...], problem: str
) -> None:
    check = signers.SIGNERS[signer]
    if not problem:
        check(made, usages)
        return
    with pytest.raises(signers.SignerError) as caught:
        check(made, usages)
    assert problem in str(caught.value)


@pytest.mark.parametrize(("asked", "hours"), [(None, 24.0), (3600, 1.0), (60, 1 / 6), (100 * 3600, 24.0)])
def test_lifetime_is_what_is_asked_for_within_bounds(asked: int | None, hours: float) -> None:
    assert authority.lifetime(asked, timedelta(hours=24)) == timedelta(hours=hours)


def test_a_certificate_never_outlives_its_authority() -> None:
    end = NOW + timedelta(hours=2)
    assert authority.validity(timedelta(days=1), NOW, end) == (NOW - timedelta(minutes=5), end)
    assert authority.validity(timedelta(hours=1), NOW, end)[1] == NOW + timedelta(hours=1)
    assert authority.validity(timedelta(hours=9), NOW, NOW + timedelta(days=9))[1] == NOW + timedelta(minutes=535)
    with pytest.raises(ValueError, match="refusing to sign"):
        authority.validity(timedelta(hours=1), NOW, NOW)


def test_a_certificate_says_what_its_request_says() -> None:
    pair = certificates.new_authority("ca")
    made = inner("system:node:n2", "system:nodes", DNS, IP)
    now = pair.certificate.not_valid_before_utc + timedelta(hours=1)
    found = authority.sign(pair, made, (*SERVER, "encipher only"), timedelta(hours=1), now)
    found.verify_directly_issued_by(pair.certificate)
    assert found.subject == made.subject
    assert list(found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value) == [DNS, IP]
    assert list(found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.SERVER_AUTH
    ]
    assert found.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    assert not found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert found.public_key() == made.public_key()


@pytest.mark.parametrize(
    ("username", "expected"),
    [("system:bootstrap:abcdef", ["nodeclient"]), ("system:node:n2", ["selfnodeclient", "nodeclient"])],
)
def test_rights_that_are_asked_for(username: str, expected: list[str]) -> None:
    made = inner()
    assert list(permissions(request(signers.KUBELET_CLIENT, made, username=username), made)) == expected
    assert list(permissions(request(signers.API_CLIENT, made, username=username), made)) == []


def aged(hours: float, kind: str = "", certificate: str = "") -> dict[str, Any]:
    then = (NOW - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
    conditions = [{"type": kind, "status": "True", "lastUpdateTime": then}] if kind else []
    status = {"conditions": conditions, "certificate": certificate}
    return {"metadata": {"name": "r", "creationTimestamp": then}, "spec": {}, "status": status}


@pytest.mark.parametrize(
    ("found", "over"),
    [
        (aged(23), False),
        (aged(25), True),
        (aged(0.5, "Denied"), False),
        (aged(2, "Denied"), True),
        (aged(2, "Failed"), True),
        (aged(2, "Approved"), False),
        (aged(25, "Approved"), True),
        (aged(2, "Approved", "AAAA"), True),
        (aged(0.5, "Approved", "AAAA"), False),
    ],
)
def test_what_is_cleaned_up(found: dict[str, Any], over: bool) -> None:
    assert is_over(found, NOW) == over


CONTROLLERS = (
    "certificatesigningrequest-approving-controller",
    "certificatesigningrequest-signing-controller",
)


def signing(tmp_path: Path) -> Any:
    return running(
        tmp_path,
        controllers=CONTROLLERS,
        cluster_signing_cert_file=str(tmp_path / "ca.crt"),
        cluster_signing_key_file=str(tmp_path / "ca.key"),
    )


async def certificate_of(cluster: Cluster) -> x509.Certificate:
    async def issued() -> str:
        found = await cluster.client.get(REQUESTS, "csr-1")
        return str(found.get("status", {}).get("certificate") or "")

    return x509.load_pem_x509_certificate(base64.b64decode(await cluster.eventually(issued)))


async def test_a_kubelet_that_may_gets_its_certificate(tmp_path: Path) -> None:
    async with signing(tmp_path) as cluster:
        made = request(signers.KUBELET_CLIENT, inner(), expirationSeconds=3600, username="forged")
        await cluster.client.create(REQUESTS, made)
        found = await certificate_of(cluster)
        stored = await cluster.client.get(REQUESTS, "csr-1")
        assert stored["spec"]["username"] == "system:apiserver"
        assert "system:masters" in stored["spec"]["groups"]
        condition = meta.get_condition(stored["status"]["conditions"], "Approved")
        assert condition is not None
        assert condition["reason"] == "AutoApproved"
        assert condition["lastUpdateTime"]
        assert found.not_valid_after_utc - found.not_valid_before_utc == timedelta(minutes=65)


async def test_an_approved_request_that_its_signer_refuses_fails(tmp_path: Path) -> None:
    async with signing(tmp_path) as cluster:
        made = await cluster.client.create(REQUESTS, request(signers.KUBELET_SERVING, inner(), SERVER))
        made["status"] = {"conditions": [{"type": "Approved", "status": "True", "reason": "r", "message": "m"}]}
        await cluster.client.update(REQUESTS, made, subresource="approval")

        async def failed() -> Any:
            found = await cluster.client.get(REQUESTS, "csr-1")
            return meta.get_condition(found["status"]["conditions"], "Failed")

        condition = await cluster.eventually(failed)
        assert (condition["reason"], condition["message"]) == (
            "SignerValidationFailure",
            "DNS or IP subjectAltName is required",
        )


async def test_nobody_asks_for_the_privileged_group(tmp_path: Path) -> None:
    async with signing(tmp_path) as cluster:
        with pytest.raises(StatusError, match="signer with system:masters group is not allowed") as caught:
            await cluster.client.create(REQUESTS, request(signers.API_CLIENT, inner("jane", "system:masters")))
        assert caught.value.code == 403
        assert await cluster.client.list(CLUSTER_ROLE_BINDINGS)


def node(*addresses: str) -> dict[str, Any]:
    return {"status": {"addresses": [{"type": "InternalIP", "address": address} for address in addresses]}}


def test_a_node_vouches_for_itself_alone() -> None:
    made = inner("system:node:n2", "system:nodes", DNS, IP)
    asked = request(signers.KUBELET_SERVING, made, SERVER, username="system:node:n2", groups=["system:nodes"])
    assert is_own(asked, made)
    assert vouched(made) <= known("n2", node("10.0.0.2", "host.example"))
    assert not vouched(made) <= known("n2", node("10.0.0.3"))
    assert not vouched(made) <= known("n2", None)
    for change in ({"username": "system:node:n1"}, {"groups": []}, {"signerName": signers.KUBELET_CLIENT}):
        assert not is_own({**asked, "spec": {**asked["spec"], **change}}, made)
