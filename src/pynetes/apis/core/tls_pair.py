"""Whether a certificate and a key make a pair, in the words of the original's TLS library."""

import re
from collections.abc import Callable

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

_BLOCK = re.compile(rb"-----BEGIN ([^-\n]*)-----\r?\n.*?\n-----END \1-----", re.DOTALL)
_KEY = "PRIVATE KEY"
_FIND = "tls: failed to find"


def key_pair_problem(certificate: bytes, key: bytes) -> str:
    """Empty if nothing is wrong."""
    chain, types = _first(certificate, lambda kind: kind == "CERTIFICATE")
    if chain is None:
        if not types:
            return f"{_FIND} any PEM data in certificate input"
        if len(types) == 1 and types[0].endswith(_KEY):
            found = "but did find a private key; PEM inputs may have been switched"
            return f"{_FIND} certificate PEM data in certificate input, {found}"
        return f'{_FIND} "CERTIFICATE" PEM block in certificate input after {_skipped(types)}'
    private, types = _first(key, lambda kind: kind.endswith(_KEY))
    if private is None:
        if not types:
            return f"{_FIND} any PEM data in key input"
        if types == ["CERTIFICATE"]:
            return "tls: found a certificate rather than a key in the PEM for the private key"
        return f'{_FIND} PEM block with type ending in "PRIVATE KEY" in key input after {_skipped(types)}'
    return _mismatch(chain, private)


def _first(text: bytes, wanted: Callable[[str], bool]) -> tuple[bytes | None, list[str]]:
    """The first block of the kind, and the kinds of the blocks before it."""
    skipped: list[str] = []
    for block in _BLOCK.finditer(text):
        kind = block.group(1).decode(errors="replace")
        if wanted(kind):
            return block.group(), skipped
        skipped.append(kind)
    return None, skipped


def _skipped(types: list[str]) -> str:
    return f"skipping PEM blocks of the following types: [{' '.join(types)}]"


def _mismatch(certificate: bytes, key: bytes) -> str:
    try:
        stated = x509.load_pem_x509_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "x509: malformed certificate"
    try:
        own = load_pem_private_key(key, password=None).public_key()
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return "tls: failed to parse private key"
    if type(stated) is not type(own):
        return "tls: private key type does not match public key type"
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "" if stated.public_bytes(*form) == own.public_bytes(*form) else "tls: private key does not match public key"
