"""Bootstrap tokens for `pynetes token`: made, listed and revoked through the API, and the command that joins a node."""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Struct

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.times import format_time, human_duration, parse_duration
from pynetes.apis.core import bootstrap_token
from pynetes.apis.core.bootstrap_token import NAME_PREFIX, NAMESPACE, SECRET_TYPE, USAGE_PREFIX, USAGES, Token
from pynetes.apis.names import SECRETS
from pynetes.client.rest import Client
from pynetes.component import certificates, clock

#: Holders may ask for a node's certificate; see `addons`.
DEFAULT_GROUP = "system:bootstrappers:pynetes:default-node-token"
DEFAULT_TTL = 24 * 3600.0

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


class TokenError(Exception):
    """What was asked for makes no token; the message says why."""


class Grant(Struct, frozen=True):
    """What a token allows and until when (`ttl` in seconds, 0: for ever)."""

    ttl: float = DEFAULT_TTL
    usages: tuple[str, ...] = ("signing", "authentication")
    groups: tuple[str, ...] = (DEFAULT_GROUP,)
    description: str = ""

    def __post_init__(self) -> None:
        unknown = [usage for usage in self.usages if usage not in USAGES]
        if unknown or not self.usages:
            raise TokenError(f"invalid bootstrap token usages: {list(unknown)}; valid are {', '.join(sorted(USAGES))}")
        for group in self.groups:
            if not bootstrap_token.is_group(group):
                raise TokenError(
                    f"bootstrap group {group!r} is invalid: it must begin with {bootstrap_token.GROUP_PREFIX}"
                )
        if self.ttl < 0:
            raise TokenError("the ttl must not be negative")


def grant(ttl: str, usages: str, groups: str | None, description: str) -> Grant:
    """A grant out of flags."""
    try:
        seconds = 0.0 if ttl == "0" else parse_duration(ttl)
    except ValueError as error:
        raise TokenError(f"--ttl: {error}") from None
    given = (DEFAULT_GROUP,) if groups is None else _parts(groups)
    return Grant(seconds, _parts(usages), given, description)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def new() -> Token:
    def text(length: int) -> str:
        return "".join(secrets.choice(_ALPHABET) for _ in range(length))

    return Token(text(6), text(16))


def secret(token: Token, grant: Grant, now: datetime) -> dict[str, Any]:
    """The Secret that makes the token known to the cluster."""
    values = {"token-id": token.id, "token-secret": token.secret, "description": grant.description}
    values["auth-extra-groups"] = ",".join(grant.groups) if "authentication" in grant.usages else ""
    values["expiration"] = format_time(now + timedelta(seconds=grant.ttl)) if grant.ttl else ""
    values |= {USAGE_PREFIX + usage: "true" for usage in grant.usages}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": SECRET_TYPE,
        "metadata": {"name": NAME_PREFIX + token.id, "namespace": NAMESPACE},
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items() if value},
    }


async def create(client: Client, token: Token, grant: Grant) -> None:
    try:
        await client.create(SECRETS, secret(token, grant, clock.now()))
    except StatusError as error:
        if error.reason == "AlreadyExists":
            raise TokenError(f'a token with id "{token.id}" already exists') from None
        raise


async def delete(client: Client, text: str) -> str:
    """Revokes a token, given whole or by its id; returns the id."""
    identity = text.partition(".")[0]
    try:
        await client.delete(SECRETS, NAME_PREFIX + identity, NAMESPACE)
    except StatusError as error:
        if error.code == 404:
            raise TokenError(f'there is no token with id "{identity}"') from None
        raise
    return identity


async def listed(client: Client) -> list[dict[str, str]]:
    """One row a token, as `kubeadm token list` shows them."""
    found = await client.list(SECRETS, NAMESPACE, field_selector=f"type={SECRET_TYPE}")
    return [row(item, clock.now()) for item in sorted(found["items"], key=meta.name)]


def row(found: dict[str, Any], now: datetime) -> dict[str, str]:
    def value(key: str) -> str:
        return bootstrap_token.value(found, key)

    left = bootstrap_token.seconds_left(found, now)
    return {
        "token": f"{value('token-id')}.{value('token-secret')}",
        "ttl": "<forever>" if left is None else human_duration(left) if left else "<invalid>",
        "expires": value("expiration") or "<never>",
        "usages": ",".join(usage for usage in USAGES if value(USAGE_PREFIX + usage) == "true") or "<none>",
        "description": value("description") or "<none>",
        "groups": value("auth-extra-groups") or "<none>",
    }


def pin(authority: x509.Certificate) -> str:
    """The hash of an authority's public key, as --discovery-token-ca-cert-hash takes it."""
    info = authority.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"sha256:{hashlib.sha256(info).hexdigest()}"


def join_command(server: str, token: Token, authority: Path) -> str:
    pins: Sequence[str] = [pin(certificate) for certificate in certificates.load_certificates(authority)]
    hashes = " ".join(f"--discovery-token-ca-cert-hash {each}" for each in pins)
    return f"pynetes agent --server {server} --token {token} {hashes}"
