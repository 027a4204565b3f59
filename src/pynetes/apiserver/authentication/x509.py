"""Client certificates: the common name is the user, organizations are the groups.

The TLS layer has proved that the client holds the certificate's key. Here its issuer and purpose are checked, once for
a certificate and not for every request.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from pynetes.apiserver.authentication.authenticator import InvalidCredentials
from pynetes.apiserver.authentication.user import CREDENTIAL_ID, UserInfo
from pynetes.apiserver.http import Request
from pynetes.component import certificates, clock, metrics

_UID = ObjectIdentifier("1.3.6.1.4.1.57683.2")
_REMEMBERED = 4096
_HOUR, _DAY = 3600, 86400
_remaining = metrics.Durations(
    "apiserver_client_certificate_expiration_seconds",
    "Distribution of the remaining lifetime on the certificate used to authenticate a request.",
    (),
    buckets=(
        0, _HOUR / 2, _HOUR, 2 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 4 * _DAY, 7 * _DAY, 30 * _DAY, 90 * _DAY,
        180 * _DAY, 360 * _DAY,
    ),
)  # fmt: skip


class CertificateVerifier:
    """Checks certificates against authorities and remembers the good ones."""

    def __init__(self, authorities: Iterable[x509.Certificate]) -> None:
        self._authorities = tuple(authorities)
        self._known: OrderedDict[bytes, tuple[x509.Certificate, float, float]] = OrderedDict()

    def trust(self, authorities: Iterable[x509.Certificate]) -> None:
        """From here on these are the authorities."""
        self._authorities = tuple(authorities)
        self._known.clear()

    def verify(self, der: bytes, issuers: Iterable[bytes] = ()) -> x509.Certificate:
        """The certificate; `InvalidCredentials` if no authority issued it, or it is out of date or not for clients.

        `issuers`: those that the client sent along, each of which signed the one before it, the first the certificate.
        """
        known = self._known.get(der)
        if known is None:
            known = self._known[der] = self._examine(der, issuers)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        certificate, begins, ends = known
        now = clock.time_seconds()
        if not begins <= now <= ends:
            raise InvalidCredentials("x509: certificate has expired or is not yet valid")
        _remaining.note((), ends - now)
        return certificate

    def _examine(self, der: bytes, issuers: Iterable[bytes]) -> tuple[x509.Certificate, float, float]:
        """The certificate, and between which times it and all that issued it are valid."""
        certificate = x509.load_der_x509_certificate(der)
        chain = self._chain([certificate, *map(x509.load_der_x509_certificate, issuers)])
        if not _for_clients(certificate):
            raise InvalidCredentials("x509: certificate specifies an incompatible key usage")
        begins = max(each.not_valid_before_utc for each in chain)
        ends = min(each.not_valid_after_utc for each in chain)
        return certificate, begins.timestamp(), ends.timestamp()

    def _chain(self, sent: Sequence[x509.Certificate]) -> list[x509.Certificate]:
        """What was sent, as far as it is needed to come to an authority, and the authority."""
        for number, last in enumerate(sent, 1):
            found = [each for each in self._authorities if certificates.issued_by(last, each)]
            if found:
                # Of an authority that was renewed with the same key, the newer one counts.
                return [*sent[:number], max(found, key=lambda each: each.not_valid_after_utc)]
        raise InvalidCredentials("x509: certificate signed by unknown authority")


class X509Authenticator:
    def __init__(self, verifier: CertificateVerifier) -> None:
        self._verifier = verifier
        self._users: OrderedDict[bytes, UserInfo | None] = OrderedDict()

    async def authenticate(self, request: Request) -> UserInfo | None:
        der = request.peer_certificate
        if der is None:
            return None
        certificate = self._verifier.verify(der, request.peer_issuers)
        if der not in self._users:
            self._users[der] = user_of(certificate, der)
            if len(self._users) > _REMEMBERED:
                self._users.popitem(last=False)
        return self._users[der]


def user_of(certificate: x509.Certificate, der: bytes) -> UserInfo | None:
    """The identity that a certificate states; None without a common name."""
    name = _first(certificate.subject, NameOID.COMMON_NAME)
    if not name:
        return None
    organizations = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return UserInfo(
        name,
        uid=_first(certificate.subject, _UID),
        groups=tuple(str(attribute.value) for attribute in organizations),
        extra={CREDENTIAL_ID: (f"X509SHA256={hashlib.sha256(der).hexdigest()}",)},
    )


def common_name(certificate: x509.Certificate) -> str:
    return _first(certificate.subject, NameOID.COMMON_NAME)


def _first(subject: x509.Name, oid: ObjectIdentifier) -> str:
    values = subject.get_attributes_for_oid(oid)
    return str(values[0].value) if values else ""


def _for_clients(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.CLIENT_AUTH in usage or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usage
