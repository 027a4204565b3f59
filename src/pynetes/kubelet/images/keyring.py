"""Registry credentials: Docker configs of pull secrets and of the node, looked up by image repository."""

import base64
import binascii
import fnmatch
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
from msgspec import Struct

_DEFAULT_REGISTRY = "index.docker.io"


class SecretSource(Struct, frozen=True):
    """The Secret that a credential came from."""

    namespace: str
    name: str
    uid: str


class Credential(Struct, frozen=True):
    """One login. `source` is None for the node's own credentials, which every pod may use."""

    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""
    source: SecretSource | None = None

    @property
    def hash(self) -> str:
        fields = (self.username, self.password, self.identity_token, self.registry_token)
        return hashlib.sha256("\0".join(fields).encode()).hexdigest()


class Keyring:
    def __init__(self) -> None:
        self._credentials: dict[str, list[Credential]] = {}

    def add(self, auths: Mapping[str, Any], source: SecretSource | None = None) -> None:
        """Takes the `auths` of a Docker config: registry location → login."""
        for location, entry in auths.items():
            key = _key(location)
            if key is not None and isinstance(entry, dict):
                self._credentials.setdefault(key, []).append(_credential(entry, source))

    def lookup(self, repository: str) -> list[Credential]:
        """Credentials to try, the most specific location first."""
        found: list[Credential] = []
        for key in sorted(self._credentials, reverse=True):
            if _matches(key, repository):
                found += self._credentials[key]
        if not found and _is_default_registry(repository):
            found = self._credentials.get(_DEFAULT_REGISTRY, [])
        return found


def _key(location: str) -> str | None:
    """Host and path without scheme; `/v1/` and `/v2/` stand for the host alone."""
    url = location if location.startswith(("https://", "http://")) else f"https://{location}"
    try:
        parsed = urlsplit(url)
    except ValueError:
        return None
    path = parsed.path
    if path.startswith(("/v1/", "/v2/")):
        path = path[3:]
    return parsed.netloc + (path if path != "/" else "")


def _credential(entry: Mapping[str, Any], source: SecretSource | None) -> Credential:
    username, password = entry.get("username") or "", entry.get("password") or ""
    if entry.get("auth"):
        try:
            decoded = base64.b64decode(entry["auth"]).decode()
        except (binascii.Error, UnicodeDecodeError):
            decoded = ""
        user, colon, secret = decoded.partition(":")
        if colon:
            username, password = user, secret.rstrip("\0")
    return Credential(username, password, entry.get("identitytoken") or "", entry.get("registrytoken") or "", source)


def _split(location: str) -> tuple[list[str], str, str]:
    """Host labels, port, path."""
    host, slash, path = location.partition("/")
    name, colon, port = host.rpartition(":")
    if not colon or "]" in port:
        name, port = host, ""
    return name.split("."), port, slash + path


def _matches(key: str, repository: str) -> bool:
    """Label by label with `*`, equal ports, the key's path a prefix of the image's."""
    key_labels, key_port, key_path = _split(key)
    labels, port, path = _split(repository)
    return (
        key_port == port
        and len(key_labels) == len(labels)
        and path.startswith(key_path)
        and all(fnmatch.fnmatchcase(label, pattern) for label, pattern in zip(labels, key_labels, strict=True))
    )


def _is_default_registry(repository: str) -> bool:
    first, slash, _ = repository.partition("/")
    if not first:
        return False
    return not slash or first in ("docker.io", "index.docker.io") or not ("." in first or ":" in first)


def _load(text: bytes) -> dict[str, Any]:
    value = orjson.loads(text)
    return value if isinstance(value, dict) else {}


def from_secrets(secrets: Iterable[Mapping[str, Any]]) -> Keyring:
    """The keyring of pull secrets; Secrets of other types do not count. Raises ValueError on broken JSON."""
    keyring = Keyring()
    for secret in secrets:
        data, kind = secret.get("data") or {}, secret.get("type")
        meta = secret["metadata"]
        source = SecretSource(meta.get("namespace") or "", meta["name"], meta.get("uid") or "")
        if kind == "kubernetes.io/dockerconfigjson" and data.get(".dockerconfigjson"):
            config = _load(base64.b64decode(data[".dockerconfigjson"]))
            keyring.add(config.get("auths") or {}, source)
        elif kind == "kubernetes.io/dockercfg" and data.get(".dockercfg"):
            keyring.add(_load(base64.b64decode(data[".dockercfg"])), source)
    return keyring


def node_keyring(path: Path) -> Keyring:
    """The node's own Docker config; empty if there is none or it is broken."""
    keyring = Keyring()
    try:
        config = _load(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return keyring
    keyring.add(config.get("auths") or {})
    return keyring
