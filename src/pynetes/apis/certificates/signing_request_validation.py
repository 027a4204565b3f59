"""Validation of a CertificateSigningRequest."""

import base64
import binascii
import re
from collections.abc import Iterable

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from pynetes.apis.core.signer_name import validate_signer_name
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

LEGACY_SIGNER = "kubernetes.io/legacy-unknown"
USAGES = tuple(
    sorted(
        (
            "signing",
            "digital signature",
            "content commitment",
            "key encipherment",
            "key agreement",
            "data encipherment",
            "cert sign",
            "crl sign",
            "encipher only",
            "decipher only",
            "any",
            "server auth",
            "client auth",
            "code signing",
            "email protection",
            "s/mime",
            "ipsec end system",
            "ipsec tunnel",
            "ipsec user",
            "timestamping",
            "ocsp signing",
            "microsoft sgc",
            "netscape sgc",
        )
    )
)
_SHORTEST_SECONDS = 600
_ONLY_TRUE = ("Approved", "Denied", "Failed")
_STATUSES = ("False", "True", "Unknown")
_PEM_TYPE = re.compile(rb"-----BEGIN ([^-\n]*)-----")


def validate_signing_request(found: FieldErrors, request: Object, old: Object | None = None) -> None:
    """Problems that the stored object already has stay allowed."""
    spec = request.get("spec") or {}
    earlier = (old or {}).get("spec") or {}
    problem = request_problem(spec.get("request") or "")
    if problem:
        found.invalid("spec.request", spec.get("request"), problem)
    _usages(found, spec.get("usages") or [], earlier.get("usages") or [])
    signer = spec.get("signerName") or ""
    if signer != LEGACY_SIGNER:
        validate_signer_name(found, signer, "spec.signerName")
    elif earlier.get("signerName") != LEGACY_SIGNER:
        found.invalid("spec.signerName", signer, "the legacy signerName is not allowed via this API version")
    seconds = spec.get("expirationSeconds")
    if seconds is not None and seconds < _SHORTEST_SECONDS:
        detail = "may not specify a duration less than 600 seconds (10 minutes)"
        found.invalid("spec.expirationSeconds", seconds, detail)
    _conditions(found, conditions_of(request), conditions_of(old or {}))
    certificate = (request.get("status") or {}).get("certificate") or ""
    if certificate and certificate != (((old or {}).get("status") or {}).get("certificate") or ""):
        problem = certificate_problem(certificate)
        if problem:
            found.invalid("status.certificate", "<certificate data>", problem)


def conditions_of(request: Object) -> list[Object]:
    return (request.get("status") or {}).get("conditions") or []


def request_problem(encoded: str) -> str:
    """What is wrong with a base64 text of a PEM certificate request, or ``."""
    try:
        pem = base64.b64decode(encoded)
    except binascii.Error as e:
        return str(e)
    kind = _PEM_TYPE.search(pem)
    if kind is None or kind[1] != b"CERTIFICATE REQUEST":
        return "PEM block type must be CERTIFICATE REQUEST"
    try:
        return signature_problem(x509.load_pem_x509_csr(pem))
    except ValueError as e:
        return str(e)


def signature_problem(request: x509.CertificateSigningRequest) -> str:
    """What is wrong with a request's signature by its own key, in the words of Go's x509, or ``.

    SHA-1, which no certificate is signed with any more, is good enough for a request.
    """
    key, digest = request.public_key(), request.signature_hash_algorithm
    if isinstance(digest, hashes.MD5):
        return "x509: cannot verify signature: insecure algorithm MD5-RSA"
    try:
        if not isinstance(digest, hashes.SHA1):
            signed = request.is_signature_valid
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(request.signature, request.tbs_certrequest_bytes, padding.PKCS1v15(), digest)
            signed = True
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(request.signature, request.tbs_certrequest_bytes, ec.ECDSA(digest))
            signed = True
        else:
            signed = False
    except InvalidSignature:
        signed = False
    except UnsupportedAlgorithm:
        return "x509: cannot verify signature: algorithm unimplemented"
    if signed:
        return ""
    if isinstance(key, rsa.RSAPublicKey):
        return "crypto/rsa: verification error"
    return f"x509: {'ECDSA' if isinstance(key, ec.EllipticCurvePublicKey) else 'Ed25519'} verification failure"


def certificate_problem(encoded: str) -> str:
    pem = base64.b64decode(encoded)
    kinds = _PEM_TYPE.findall(pem)
    for kind in kinds:
        if kind != b"CERTIFICATE":
            return f'only CERTIFICATE PEM blocks are allowed, found "{kind.decode(errors="replace")}"'
    if not kinds:
        return "must contain at least one CERTIFICATE PEM block"
    try:
        x509.load_pem_x509_certificates(pem)
    except ValueError as e:
        return str(e)
    return ""


def _usages(found: FieldErrors, usages: list[str], earlier: list[str]) -> None:
    if not usages:
        found.required("spec.usages")
    if all(usage in USAGES for usage in earlier):
        for i, usage in enumerate(usages):
            if usage not in USAGES:
                found.not_supported(f"spec.usages[{i}]", usage, USAGES)
    if len(set(earlier)) == len(earlier):
        for i, usage in enumerate(usages):
            if usage in usages[:i]:
                found.duplicate(f"spec.usages[{i}]", usage)


def _conditions(found: FieldErrors, conditions: list[Object], earlier: list[Object]) -> None:
    path = "status.conditions"
    types = [c.get("type") or "" for c in conditions]
    earlier_types = _types(earlier)
    for i, condition in enumerate(conditions):
        kind, status = types[i], condition.get("status") or ""
        if not kind and "" not in earlier_types:
            found.required(f"{path}[{i}].type")
        allowed = ("True",) if kind in _ONLY_TRUE else _STATUSES
        if not status:
            found.required(f"{path}[{i}].status")
        elif status not in allowed:
            found.not_supported(f"{path}[{i}].status", status, allowed)
        opposite = {"Approved": "Denied", "Denied": "Approved"}.get(kind)
        if opposite in types[:i] and not {"Approved", "Denied"} <= set(earlier_types):
            found.invalid(path, kind, "Approved and Denied conditions are mutually exclusive")
        if kind in types[:i] and len(set(earlier_types)) == len(earlier_types):
            found.duplicate(f"{path}[{i}].type", kind)


def _types(conditions: Iterable[Object]) -> list[str]:
    return [c.get("type") or "" for c in conditions]
