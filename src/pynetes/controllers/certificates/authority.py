"""A certificate out of a request: its subject, key and alternative names, with the usages that were asked for."""

from collections.abc import Collection
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from pynetes.apis.certificates.signing_request_validation import signature_problem
from pynetes.component.certificates import KeyPair

BACKDATE = timedelta(minutes=5)
SHORT = timedelta(hours=8)
"""Below this the five minutes into the past are not taken off the end."""
SHORTEST = timedelta(minutes=10)

_KEY_USAGES = {
    "signing": "digital_signature",
    "digital signature": "digital_signature",
    "content commitment": "content_commitment",
    "key encipherment": "key_encipherment",
    "key agreement": "key_agreement",
    "data encipherment": "data_encipherment",
    "cert sign": "key_cert_sign",
    "crl sign": "crl_sign",
    "encipher only": "encipher_only",
    "decipher only": "decipher_only",
}
_PURPOSES = {
    "any": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    "server auth": ExtendedKeyUsageOID.SERVER_AUTH,
    "client auth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "code signing": ExtendedKeyUsageOID.CODE_SIGNING,
    "email protection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "s/mime": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "ipsec end system": x509.ObjectIdentifier("1.3.6.1.5.5.7.3.5"),
    "ipsec tunnel": x509.ObjectIdentifier("1.3.6.1.5.5.7.3.6"),
    "ipsec user": x509.ObjectIdentifier("1.3.6.1.5.5.7.3.7"),
    "timestamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "ocsp signing": ExtendedKeyUsageOID.OCSP_SIGNING,
    "microsoft sgc": x509.ObjectIdentifier("1.3.6.1.4.1.311.10.3.3"),
    "netscape sgc": x509.ObjectIdentifier("2.16.840.1.113730.4.1"),
}
_FLAGS = tuple(dict.fromkeys(_KEY_USAGES.values()))


def lifetime(asked_seconds: int | None, longest: timedelta) -> timedelta:
    """What was asked for, but no more than the signer gives and no less than makes sense."""
    if asked_seconds is None:
        return longest
    return min(max(timedelta(seconds=asked_seconds), SHORTEST), longest)


def sign(
    authority: KeyPair,
    request: x509.CertificateSigningRequest,
    usages: Collection[str],
    life: timedelta,
    now: datetime,
) -> x509.Certificate:
    """ValueError if the request's signature, a usage or the authority itself is no good."""
    wrong = signature_problem(request)
    if wrong:
        raise ValueError(f"unable to verify certificate request signature: {wrong}")
    begin, end = validity(life, now, authority.certificate.not_valid_after_utc)
    key = authority.certificate.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(authority.certificate.subject)
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key), critical=False)  # type: ignore[arg-type]
    )
    for extension, critical in extensions(request, usages):
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(authority.key, hashes.SHA256())


def validity(life: timedelta, now: datetime, authority_end: datetime) -> tuple[datetime, datetime]:
    """From when until when: never longer than the authority itself."""
    if now >= authority_end:
        raise ValueError(f"refusing to sign a certificate that expired in the past: NotAfter={authority_end}")
    end = now + life if life < SHORT else now + life - BACKDATE
    return now - BACKDATE, min(end, authority_end)


def extensions(
    request: x509.CertificateSigningRequest, usages: Collection[str]
) -> list[tuple[x509.ExtensionType, bool]]:
    """What the certificate says beside its subject, and whether it is critical."""
    unknown = [usage for usage in usages if usage not in _KEY_USAGES and usage not in _PURPOSES]
    if unknown:
        listed = " ".join(f'"{usage}"' for usage in unknown)
        raise ValueError(f"unrecognized usage values: [{listed}]")
    made: list[tuple[x509.ExtensionType, bool]] = []
    wanted = {_KEY_USAGES[usage] for usage in usages if usage in _KEY_USAGES}
    if "key_agreement" not in wanted:
        wanted -= {"encipher_only", "decipher_only"}  # they mean nothing without it (RFC 5280, 4.2.1.3)
    if wanted:
        made.append((x509.KeyUsage(**{flag: flag in wanted for flag in _FLAGS}), True))
    purposes = dict.fromkeys(oid for usage, oid in _PURPOSES.items() if usage in usages)
    if purposes:
        made.append((x509.ExtendedKeyUsage(purposes), False))
    try:
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return made
    return [*made, (names, False)]
