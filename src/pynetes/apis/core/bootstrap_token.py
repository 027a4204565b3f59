"""Bootstrap tokens, `id.secret`: Secrets of their own type in kube-system, and the signatures they make.

A Secret says until when a token holds, what it may be used for and which groups its holder is in. Whoever knows only a
token can tell by its signature whether the ConfigMap `cluster-info` in kube-public is the cluster's own.
"""

import base64
import hashlib
import hmac
import json
import re
from datetime import datetime
from typing import Any

from msgspec import Struct

from pynetes.apimachinery.times import parse_time

Object = dict[str, Any]

SECRET_TYPE = "bootstrap.kubernetes.io/token"
NAMESPACE = "kube-system"
NAME_PREFIX = "bootstrap-token-"
GROUP_PREFIX = "system:bootstrappers:"
USAGE_PREFIX = "usage-bootstrap-"
USAGES = ("authentication", "signing")

INFO_NAMESPACE = "kube-public"
INFO_NAME = "cluster-info"
INFO_KEY = "kubeconfig"
SIGNATURE_PREFIX = "jws-kubeconfig-"

_TOKEN = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")
_ID = re.compile(r"[a-z0-9]{6}")
_GROUP = re.compile(r"system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]")


class Token(Struct, frozen=True):
    id: str
    secret: str

    def __str__(self) -> str:
        return f"{self.id}.{self.secret}"


def parse(text: str) -> Token:
    """ValueError for what is no token."""
    match = _TOKEN.fullmatch(text)
    if match is None:
        raise ValueError(f'the bootstrap token "{text}" was not of the form "\\A([a-z0-9]{{6}})\\.([a-z0-9]{{16}})\\z"')
    return Token(match[1], match[2])


def is_group(name: str) -> bool:
    return _GROUP.fullmatch(name) is not None


def value(secret: Object, key: str) -> str:
    """An entry of the Secret as text; empty if it is missing or no text."""
    try:
        return base64.b64decode((secret.get("data") or {}).get(key) or "").decode()
    except ValueError:
        return ""


def seconds_left(secret: Object, now: datetime) -> float | None:
    """How long the token still holds: None for ever, 0 not any more (which an unreadable expiry means, too)."""
    expiration = value(secret, "expiration")
    if not expiration:
        return None
    try:
        return max(0.0, (parse_time(expiration) - now).total_seconds())
    except ValueError:
        return 0.0


def signing_token(secret: Object, now: datetime) -> Token | None:
    """The token of a Secret that may sign `cluster-info` now."""
    identity = secret["metadata"]["name"].removeprefix(NAME_PREFIX)
    token = Token(value(secret, "token-id"), value(secret, "token-secret"))
    usable = (
        secret.get("type") == SECRET_TYPE
        and secret["metadata"]["name"] == NAME_PREFIX + identity
        and _ID.fullmatch(identity) is not None
        and token.id == identity
        and token.secret != ""
        and seconds_left(secret, now) != 0
        and value(secret, "usage-bootstrap-signing") == "true"
    )
    return token if usable else None


def signature(content: str, token: Token) -> str:
    """A JWS of `content` (HS256) without the content itself: `header..signature`."""
    header = _base64url(json.dumps({"alg": "HS256", "kid": token.id}, separators=(",", ":")).encode())
    signed = f"{header}.{_base64url(content.encode())}"
    digest = hmac.new(token.secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{header}..{_base64url(digest)}"


def is_signed(config_map: Object, token: Token) -> bool:
    """Whether `cluster-info` carries this token's signature."""
    data = config_map.get("data") or {}
    made = signature(data.get(INFO_KEY) or "", token)
    return hmac.compare_digest(made, data.get(SIGNATURE_PREFIX + token.id) or "")


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
