"""CertificateSigningRequests for tests."""

import base64
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from pynetes.component import certificates

CLIENT = ("digital signature", "client auth")
SERVER = ("digital signature", "server auth")


def inner(
    name: str = "system:node:n2", organization: str = "system:nodes", *names: x509.GeneralName
) -> x509.CertificateSigningRequest:
    key = certificates.new_key()
    subject = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    subject.append(x509.NameAttribute(NameOID.COMMON_NAME, name))
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256())


def request(
    signer: str, made: x509.CertificateSigningRequest, usages: tuple[str, ...] = CLIENT, **spec: Any
) -> dict[str, Any]:
    pem = made.public_bytes(serialization.Encoding.PEM)
    fields = {"signerName": signer, "usages": list(usages), "request": base64.b64encode(pem).decode(), **spec}
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": "csr-1"},
        "spec": fields,
    }
