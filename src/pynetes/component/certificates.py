"""X.509 certificates and keys: authorities, what they sign, and PEM files.

Keys are ECDSA P-256 (microseconds to make, where an RSA key takes a tenth of a second). Certificates start five minutes
in the past, so that clocks a little apart agree. Files are written whole (temporary file, then rename); keys with mode
0600.
"""

import ipaddress
import os
import re
import ssl
import tempfile
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from pynetes.component import clock

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

AUTHORITY_DAYS = 3650
LEAF_DAYS = 365
_SKEW = timedelta(minutes=5)
_PEM = re.compile(rb"-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----", re.DOTALL)


class CertificateFileError(Exception):
    """A certificate or key file that cannot be used; the message names the file."""


class KeyPair(Struct, frozen=True):
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: PrivateKey

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return private_key_pem(self.key)


class Request(Struct, frozen=True):
    """What a certificate is to say. `dns_names` and `ip_addresses` are its subject alternative names."""

    common_name: str
    organizations: tuple[str, ...] = ()
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()
    server: bool = False
    client: bool = False
    days: int = LEAF_DAYS


#: What a server says of itself that nobody gave a certificate.
LOCALHOST = Request("localhost", dns_names=("localhost",), ip_addresses=("127.0.0.1", "::1"), server=True)


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def new_authority(common_name: str, *, days: int = AUTHORITY_DAYS) -> KeyPair:
    """A self-signed certificate authority."""
    key = new_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = (
        _builder(name, name, key.public_key(), days)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(common_name)]), critical=False)
    )
    return KeyPair(builder.sign(key, hashes.SHA256()), key)


def issue(authority: KeyPair, request: Request) -> KeyPair:
    """A new key with a certificate signed by `authority`."""
    key = new_key()
    return KeyPair(sign(authority, request, key.public_key()), key)


def sign(authority: KeyPair, request: Request, public_key: PublicKey) -> x509.Certificate:
    """A certificate for a key that somebody else holds (certificate signing requests)."""
    builder = (
        _builder(_subject(request), authority.certificate.subject, public_key, request.days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(_purposes(request)), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(_public(authority.certificate)), critical=False
        )
    )
    names = _alternative_names(request)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(authority.key, hashes.SHA256())


def _builder(subject: x509.Name, issuer: x509.Name, public_key: PublicKey, days: int) -> x509.CertificateBuilder:
    now = clock.now()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + timedelta(days=days))
    )


def _subject(request: Request) -> x509.Name:
    organizations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, o) for o in request.organizations]
    return x509.Name([*organizations, x509.NameAttribute(NameOID.COMMON_NAME, request.common_name)])


def _alternative_names(request: Request) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in dict.fromkeys(request.dns_names)]
    addresses = dict.fromkeys(ipaddress.ip_address(a) for a in request.ip_addresses)
    return [*names, *(x509.IPAddress(address) for address in addresses)]


def _purposes(request: Request) -> list[x509.ObjectIdentifier]:
    purposes = [(request.server, ExtendedKeyUsageOID.SERVER_AUTH), (request.client, ExtendedKeyUsageOID.CLIENT_AUTH)]
    return [oid for wanted, oid in purposes if wanted]


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=True,
        key_cert_sign=signs_certificates,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _public(certificate: x509.Certificate) -> PublicKey:
    key = certificate.public_key()
    if not isinstance(key, PublicKey):
        raise TypeError(f"unsupported key type {type(key).__name__}")
    return key


def satisfies(pair: KeyPair, request: Request, authority: KeyPair, now: datetime) -> bool:
    """Whether an existing certificate still says what is wanted and has more than a third of its life before it."""
    certificate = pair.certificate
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return (
        certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - lifetime / 3
        and _public(certificate) == pair.key.public_key()
        and certificate.subject == _subject(request)
        and issued_by(certificate, authority.certificate)
        and set(_alternative_names(request)) <= set(_stated_names(certificate))
    )


def issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether `authority` signed `certificate`."""
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:
        # cryptography raises ValueError, TypeError or InvalidSignature, depending on what differs first
        return False
    return True


def _stated_names(certificate: x509.Certificate) -> list[x509.GeneralName]:
    try:
        return list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []


def dns_names(certificate: x509.Certificate) -> list[str]:
    return [str(name.value) for name in _stated_names(certificate) if isinstance(name, x509.DNSName)]


def private_key_pem(key: PrivateKey) -> bytes:
    """Traditional encodings (EC PRIVATE KEY, RSA PRIVATE KEY), as kubeadm writes them."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def public_key_pem(key: PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def load_private_key(path: Path) -> PrivateKey:
    """An ECDSA or RSA key from a PEM file."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise CertificateFileError(f"{path}: {_reason(error)}") from error
    if not isinstance(key, PrivateKey):
        raise CertificateFileError(f"{path}: neither an ECDSA nor an RSA key")
    return key


def load_public_keys(path: Path) -> list[PublicKey]:
    """Every public key of a PEM file: PUBLIC KEY blocks, those of certificates, the public half of private keys."""
    try:
        keys = [_public_key(block) for block in _PEM.findall(path.read_bytes())]
    except (OSError, ValueError, TypeError) as error:
        raise CertificateFileError(f"{path}: {_reason(error)}") from error
    found = [key for key in keys if isinstance(key, PublicKey)]
    if not found:
        raise CertificateFileError(f"{path}: no public key")
    return found


def _public_key(block: bytes) -> object:
    """None for a block that holds something else (parameters of a curve)."""
    label = block.splitlines()[0]
    if b"PRIVATE KEY" in label:
        return serialization.load_pem_private_key(block, None).public_key()
    if b"CERTIFICATE" in label:
        return x509.load_pem_x509_certificate(block).public_key()
    return serialization.load_pem_public_key(block) if b"PUBLIC KEY" in label else None


def _reason(error: Exception) -> str:
    """In plain words: the library's own speak of its internals."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "not a PEM file, or a damaged one"


def parse_certificates(text: str) -> list[x509.Certificate]:
    """Every certificate of a PEM text; ValueError."""
    return x509.load_pem_x509_certificates(text.encode())


def load_certificates(path: Path) -> list[x509.Certificate]:
    """Every certificate of a PEM file."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CertificateFileError(f"{path}: {_reason(error)}") from error


def load(certificate_path: Path, key_path: Path) -> KeyPair:
    return KeyPair(load_certificates(certificate_path)[0], load_private_key(key_path))


def store(pair: KeyPair, certificate_path: Path, key_path: Path) -> None:
    """Writes both files; the key first, so that whoever sees the certificate finds its key."""
    write_file(key_path, pair.key_pem, mode=0o600)
    write_file(certificate_path, pair.certificate_pem, mode=0o644)


def write_file(path: Path, data: bytes, *, mode: int) -> None:
    """Writes `path` whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            os.fchmod(descriptor, mode)
        Path(temporary).rename(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def server_context(certificate: Path, key: Path, client_authorities: Iterable[Path] = ()) -> ssl.SSLContext:
    """TLS for a server. With client authorities, clients may show a certificate that one of them signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    for authority in client_authorities:
        context.load_verify_locations(authority)
        context.verify_mode = ssl.CERT_OPTIONAL
        _as_go_verifies(context)
    context.set_alpn_protocols(["http/1.1"])
    return context


def self_issued(request: Request) -> KeyPair:
    """Signed by an authority that nobody keeps."""
    return issue(new_authority(f"localhost-ca@{int(clock.time_seconds())}"), request)


def self_signed_context(client_authorities: Iterable[Path] = ()) -> ssl.SSLContext:
    """`server_context` with a certificate of its own making, which lives as long as the process."""
    pair = self_issued(LOCALHOST)
    with tempfile.TemporaryDirectory(prefix="pynetes-") as directory:  # `ssl` takes certificates from files only
        certificate, key = Path(directory, "tls.crt"), Path(directory, "tls.key")
        store(pair, certificate, key)
        return server_context(certificate, key, client_authorities)


def trusting(authorities: str = "") -> ssl.SSLContext:
    """TLS for a client that trusts these certificates (PEM); without any, the machine's.

    They are taken as Go takes them: each ends a chain, be it a server's own certificate, and authorities of old that
    lack an extension are good. ssl.SSLError, ValueError for what holds none.
    """
    context = ssl.create_default_context(cadata=authorities or None)
    _as_go_verifies(context)
    return context


def _as_go_verifies(context: ssl.SSLContext) -> None:
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT


def client_context(authority: Path | None, certificate: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
    """TLS for a client. Without `authority` the server's certificate is not verified."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = authority is not None
    if authority is None:
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_verify_locations(authority)
        _as_go_verifies(context)
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context
