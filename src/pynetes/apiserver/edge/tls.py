"""The port's TLS: certificate, authorities of clients, versions and cipher suites under Go's names.

Sockets listen with one context for good; after a reload, handshakes are taken over by a new one.
"""

import ssl
from collections.abc import Iterable, Sequence
from pathlib import Path

from pynetes.apiserver.config import NamedCertificate
from pynetes.component import certificates

#: Older versions than 1.2 are accepted as settings, and never spoken.
_VERSIONS = {
    "VersionTLS10": ssl.TLSVersion.TLSv1_2,
    "VersionTLS11": ssl.TLSVersion.TLSv1_2,
    "VersionTLS12": ssl.TLSVersion.TLSv1_2,
    "VersionTLS13": ssl.TLSVersion.TLSv1_3,
}
#: Go's number of a curve → OpenSSL's name.
_CURVES = {"23": "prime256v1", "24": "secp384r1", "25": "secp521r1", "29": "X25519"}
#: Of 1.3, whose suites are no choice.
_ALWAYS = frozenset(("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"))
_EXCHANGES = {"TLS_ECDHE_ECDSA_WITH_": "ECDHE-ECDSA-", "TLS_ECDHE_RSA_WITH_": "ECDHE-RSA-", "TLS_RSA_WITH_": ""}
_ENCRYPTIONS = {
    "3DES_EDE_CBC_SHA": "DES-CBC3-SHA",
    "AES_128_CBC_SHA": "AES128-SHA",
    "AES_128_CBC_SHA256": "AES128-SHA256",
    "AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "AES_256_CBC_SHA": "AES256-SHA",
    "AES_256_GCM_SHA384": "AES256-GCM-SHA384",
    "CHACHA20_POLY1305": "CHACHA20-POLY1305",
    "CHACHA20_POLY1305_SHA256": "CHACHA20-POLY1305",
    "RC4_128_SHA": "RC4-SHA",
}
_DER = 2
#: OpenSSL's flag: authentication judges dates, so that an old certificate is told 401, and a token beside it counts.
_NO_CHECK_TIME = ssl.VerifyFlags(0x200000)


class ServingTLS:
    """`context` is what the port listens with. ValueError, in upstream's words, for names that are none."""

    def __init__(
        self,
        certificate: Path,
        key: Path,
        authorities: Iterable[Path] = (),
        *,
        named: Sequence[NamedCertificate] = (),
        min_version: str = "",
        cipher_suites: Sequence[str] = (),
        curves: Sequence[str] = (),
    ) -> None:
        self._pair, self._named, self._authorities = (certificate, key), named, tuple(authorities)
        if min_version and min_version not in _VERSIONS:
            raise ValueError(f'unknown tls version "{min_version}"')
        self._version = _VERSIONS.get(min_version, ssl.TLSVersion.TLSv1_2)
        self._ciphers = ":".join(filter(None, map(openssl_name, cipher_suites)))
        self._curve = _curve(curves)
        self.context, self._by_name = self._made()
        self._current = self.context
        self.context.sni_callback = self._hand_over

    @property
    def files(self) -> tuple[Path, ...]:
        pairs = (file for each in self._named for file in (each.certificate, each.key))
        return (*self._pair, *pairs, *self._authorities)

    async def reload(self) -> None:
        """What the files hold now counts for handshakes from here on; CertificateFileError, OSError."""
        self._current, self._by_name = self._made()

    def _made(self) -> tuple[ssl.SSLContext, dict[str, ssl.SSLContext]]:
        """The context of everybody, and those of names: names that were given count before those of certificates."""
        explicit: dict[str, ssl.SSLContext] = {}
        implied: dict[str, ssl.SSLContext] = {}
        for each in self._named:
            context = self._context(each.certificate, each.key)
            names = each.names or certificates.dns_names(certificates.load_certificates(each.certificate)[0])
            for name in names:
                (explicit if each.names else implied).setdefault(name.lower(), context)
        return self._context(*self._pair), {**implied, **explicit}

    def _context(self, certificate: Path, key: Path) -> ssl.SSLContext:
        context = certificates.server_context(certificate, key, self._authorities)
        context.minimum_version = self._version
        context.verify_flags |= _NO_CHECK_TIME
        if self._ciphers:
            context.set_ciphers(self._ciphers)
        if self._curve:
            context.set_ecdh_curve(self._curve)
        return context

    def _hand_over(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        chosen = (self._of_name(name.lower()) if name and self._by_name else None) or self._current
        if chosen is not context:
            connection.context = chosen

    def _of_name(self, name: str) -> ssl.SSLContext | None:
        return self._by_name.get(name) or self._by_name.get("*." + name.partition(".")[2])


def intermediates(connection: ssl.SSLObject) -> tuple[bytes, ...]:
    """DER of the authorities between a client's certificate and ours, nearest first, as the handshake verified them.

    None are known of a session that is taken up again. Python 3.13 asks for the chain without a private name.
    """
    chain = connection._sslobj.get_verified_chain() or ()  # type: ignore[attr-defined]
    return tuple(each.public_bytes(_DER) for each in chain[1:-1])


def _curve(numbers: Sequence[str]) -> str:
    """The one curve that is wanted, as OpenSSL calls it; empty where any will do."""
    for number in numbers:
        if number not in _CURVES:
            raise ValueError(f"curve preference {number} is not supported by Python's TLS")
    if len(numbers) > 1:
        raise ValueError("--tls-curve-preferences: Python's TLS can be limited to one curve, not to several")
    return _CURVES[numbers[0]] if numbers else ""


def openssl_name(suite: str) -> str:
    """`TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` as OpenSSL calls it; "" for one that is always there."""
    if suite in _ALWAYS:
        return ""
    for start, exchange in _EXCHANGES.items():
        encryption = _ENCRYPTIONS.get(suite.removeprefix(start)) if suite.startswith(start) else None
        if encryption is not None:
            return exchange + encryption
    raise ValueError(f"Cipher suite {suite} not supported or doesn't exist")
