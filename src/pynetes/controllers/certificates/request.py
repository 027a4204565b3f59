"""What controllers read of a CertificateSigningRequest."""

import base64
from typing import Any

from cryptography import x509

Object = dict[str, Any]


def certificate(request: Object) -> str:
    """The issued certificate, base64 of PEM; empty if there is none yet."""
    return str((request.get("status") or {}).get("certificate") or "")


def conditions(request: Object) -> list[Object]:
    return (request.get("status") or {}).get("conditions") or []


def has_condition(request: Object, *types: str) -> bool:
    return any(condition.get("type") in types for condition in conditions(request))


def is_approved(request: Object) -> bool:
    return has_condition(request, "Approved") and not has_condition(request, "Denied")


def parsed(request: Object) -> x509.CertificateSigningRequest:
    """The PKCS #10 request inside; ValueError if it is none."""
    return x509.load_pem_x509_csr(base64.b64decode(request["spec"]["request"]))


def with_condition(request: Object, condition: Object) -> Object:
    """A copy for an update, with one more condition."""
    status = {**(request.get("status") or {}), "conditions": [*conditions(request), condition]}
    return {**request, "status": status}
