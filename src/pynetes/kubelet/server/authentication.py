"""Who calls: a client certificate of the cluster's CA, or a bearer token that the API server vouches for."""

import ssl

from pynetes.client import authentication
from pynetes.client.authentication import User, from_certificate
from pynetes.client.rest import Client

__all__ = ["TokenAuthenticator", "User", "from_certificate", "tls_context"]

_CACHE_SECONDS = 120.0


def tls_context(certificate: str, key: str, client_ca: str) -> ssl.SSLContext:
    """Asks for a client certificate but takes callers without: they may have a token. Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["http/1.1"])
    if client_ca:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


class TokenAuthenticator(authentication.TokenAuthenticator):
    """Remembers the API server's answers for two minutes, as kubelets do."""

    def __init__(self, client: Client) -> None:
        super().__init__(client, _CACHE_SECONDS)
