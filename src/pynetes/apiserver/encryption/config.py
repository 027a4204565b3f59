"""`--encryption-provider-config`: an EncryptionConfiguration of apiserver.config.k8s.io/v1, parsed.

Fields are matched as upstream's strict decoder does: an unknown one is an error. `validation` says what else is.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from pynetes.apimachinery.errors import aggregate
from pynetes.apimachinery.times import parse_duration
from pynetes.apiserver import configfile
from pynetes.apiserver.encryption.validation import validate

API_VERSION = "apiserver.config.k8s.io/v1"
_KINDS = ((API_VERSION, "EncryptionConfiguration"),)
_KMS_TIMEOUT = "3s"
_KMS_VERSION = "v1"

Object = dict[str, Any]

_KEYS: Mapping[str, Any] = {"keys": [{"name": str, "secret": str}]}
_FIELDS: Mapping[str, Any] = {
    "apiVersion": str,
    "kind": str,
    "resources": [
        {
            "resources": [str],
            "providers": [
                {
                    "aesgcm": _KEYS,
                    "aescbc": _KEYS,
                    "secretbox": _KEYS,
                    "identity": {},
                    "kms": {
                        "apiVersion": str,
                        "name": str,
                        "endpoint": str,
                        "timeout": str,
                        "cachesize": int,
                    },
                }
            ],
        }
    ],
}


class ConfigError(Exception):
    """The configuration cannot be used; the message says why."""


class Configuration(Struct, frozen=True):
    """`document` is valid and has its defaults; `digest` is that of the file's bytes."""

    document: Object
    digest: str


def digest(path: Path) -> str:
    """That of the file as it is now. ConfigError."""
    return _digest(_read(path))


def load(path: Path, *, reload: bool) -> Configuration:
    """ConfigError, in upstream's words. With `reload`, names of KMS providers must be unique whatever their version."""
    try:
        data = _read(path)
    except ConfigError as error:
        raise ConfigError(f"error while parsing file: error while loading file: {error}") from None
    try:
        document = configfile.decode(data, _KINDS, _FIELDS)
    except configfile.ConfigFileError as error:
        what = f"error decoding encryption provider configuration file {_quoted(path)}"
        raise ConfigError(f"error while parsing file: {what}: {error}") from None
    _default(document)
    if errors := validate(document, reload=reload):
        raise ConfigError(f"error while parsing file: {aggregate([str(error) for error in errors])}")
    return Configuration(document, _digest(data))


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(
            f"error reading encryption provider configuration file {_quoted(path)}: open {path}: {reason}"
        ) from None
    if not data:
        raise ConfigError(f"encryption provider configuration file {_quoted(path)} is empty")
    return data


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _quoted(path: Path) -> str:
    return f'"{path}"'


def _default(document: Object) -> None:
    """Fills what is left out: of KMS providers the timeout (seconds from here on) and the version."""
    for resource in document.get("resources") or ():
        for provider in (resource or {}).get("providers") or ():
            kms = (provider or {}).get("kms")
            if kms is None:
                continue
            kms["apiVersion"] = kms.get("apiVersion") or _KMS_VERSION
            text = kms.get("timeout") or _KMS_TIMEOUT
            try:
                kms["timeout"] = parse_duration(text)
            except ValueError:
                raise ConfigError(f'error while parsing file: time: invalid duration "{text}"') from None
            if kms["apiVersion"] == "v1" and kms.get("cachesize") is None:
                kms["cachesize"] = 1000
