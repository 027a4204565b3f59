"""Why a server's certificate is not believed, in the words of Go's x509, which clients and people look for."""

import ssl

#: OpenSSL's codes: no issuer, a certificate of its own, its issuer is nobody that is known.
_UNKNOWN_AUTHORITY = frozenset((2, 18, 19, 20, 21))
_NOT_NOW = frozenset((9, 10))


def unverified(error: Exception) -> str:
    """`tls: failed to verify certificate: x509: …`. Which names or times a certificate has, OpenSSL does not tell."""
    code = error.verify_code if isinstance(error, ssl.SSLCertVerificationError) else 0
    if code in _UNKNOWN_AUTHORITY:
        why = "certificate signed by unknown authority"
    elif code in _NOT_NOW:
        why = "certificate has expired or is not yet valid"
    elif isinstance(error, ssl.SSLCertVerificationError):
        told = error.verify_message.removeprefix("Hostname mismatch, ").removeprefix("IP address mismatch, ")
        why = told.removesuffix(".")
    else:
        why = str(error)
    return f"tls: failed to verify certificate: x509: {why}"
