"""What an EncryptionConfiguration must satisfy."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from pynetes.apimachinery.errors import FieldError, invalid_value, required

Object = dict[str, Any]

_AES_KEYS = (16, 24, 32)
_SECRETBOX_KEYS = (32,)
_KEYED = {"aesgcm": _AES_KEYS, "aescbc": _AES_KEYS, "secretbox": _SECRETBOX_KEYS}
_PROVIDERS = ("kms", *_KEYED, "identity")
_NOT_REST = ("apiserveripinfo", "serviceipallocations", "servicenodeportallocations")

_NO_PROVIDER = "provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity"
_MANY_PROVIDERS = "more than one provider specified in a single element, should split into different list elements"
_DUPLICATE = "the same resource cannot be specified multiple times"
_OVERLAP = (
    "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be "
    "masked"
)
_CAPITAL = "resource name should not contain capital letters"
_STAR = "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources"
_NO_API = "resources which do not have REST API/s cannot be encrypted"
_EVENTS = (
    "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file"
)
_EXTENSIONS = "'extensions' group has been removed and cannot be used for encryption"
_ACROSS = "encrypting the same resource across groups is not supported"


def group_resource(text: str) -> tuple[str, str]:
    """(group, resource) of `resource.group`; `*.` is all of the core group."""
    resource, _, group = text.partition(".")
    return group, resource


def validate(document: Object, *, reload: bool) -> list[FieldError]:
    """With `reload`, names of KMS providers must be unique even among those of v1."""
    resources = document.get("resources") or []
    if not resources:
        return [required("resources", "at least one resources is required")]
    errors: list[FieldError] = []
    names: set[str] = set()
    for index, conf in enumerate(resources):
        conf = conf or {}
        at = f"resources[{index}]"
        named = conf.get("resources") or []
        if not named:
            errors.append(required(f"{at}.resources", f"at least one {at}.resources is required"))
        errors += _overlaps(named, f"{at}.resources")
        errors += _names(named, f"{at}.resources")
        providers = conf.get("providers") or []
        if not providers:
            errors.append(required(f"{at}.providers", f"at least one {at}.providers is required"))
        for number, provider in enumerate(providers):
            errors += _provider(provider or {}, f"{at}.providers[{number}]", names, reload)
    return errors


def _overlaps(named: list[str], at: str) -> list[FieldError]:
    pairs = [group_resource(name) for name in named]
    distinct = set(pairs)
    errors = []
    if len(distinct) < len(pairs):
        errors.append(invalid_value(at, named, _DUPLICATE))
    masking = {group for group, resource in distinct if resource == "*"}
    shared = (("*", "*") in distinct and len(pairs) > 1) or any(
        group in masking and resource != "*" for group, resource in distinct
    )
    if shared:
        errors.append(invalid_value(at, named, _OVERLAP))
    return errors


def _names(named: list[str], at: str) -> list[FieldError]:
    found = ((index, name, _wrong(name)) for index, name in enumerate(named))
    return [invalid_value(f"{at}[{index}]", name, why) for index, name, why in found if why]


def _wrong(name: str) -> str:
    """What is wrong with a resource's name."""
    group, resource = group_resource(name)
    if name.lower() != name:
        return _CAPITAL
    if name == "*":
        return _STAR
    if name in _NOT_REST:
        return _NO_API
    if group == "events.k8s.io":
        return _EVENTS
    if group == "extensions":
        return _EXTENSIONS
    return _ACROSS if group == "*" and resource != "*" else ""


def _provider(provider: Object, at: str, names: set[str], reload: bool) -> list[FieldError]:
    kinds = [kind for kind in _PROVIDERS if provider.get(kind) is not None]
    if len(kinds) != 1:
        # Upstream shows the element with its keys; secrets are kept out of messages here.
        shown = dict.fromkeys(kinds, "REDACTED")
        return [invalid_value(at, shown, _MANY_PROVIDERS if kinds else _NO_PROVIDER)]
    (kind,) = kinds
    if kind == "kms":
        errors = _kms(provider["kms"], f"{at}.kms", names, reload)
        names.add(provider["kms"].get("name") or "")
        return errors
    if kind == "identity":
        return []
    return _keys(provider[kind].get("keys") or [], f"{at}.{kind}.keys", _KEYED[kind])


def _keys(keys: list[Object], at: str, lengths: Sequence[int]) -> list[FieldError]:
    if not keys:
        return [required(at, "at least one keys is required")]
    errors: list[FieldError] = []
    for index, key in enumerate(keys):
        errors += _key(key or {}, f"{at}[{index}]", lengths)
    return errors


def _key(key: Object, at: str, lengths: Sequence[int]) -> list[FieldError]:
    errors = []
    if not key.get("name"):
        errors.append(required(f"{at}.name", "name is a mandatory field for a key"))
    if not key.get("secret"):
        errors.append(required(f"{at}.secret", "secret is a mandatory field for a key"))
        return errors
    try:
        secret = base64.b64decode(key["secret"], validate=True)
    except (binascii.Error, ValueError):
        errors.append(invalid_value(f"{at}.secret", "REDACTED", "secrets must be base64 encoded"))
        return errors
    if len(secret) not in lengths:
        expected = " ".join(str(length) for length in lengths)
        detail = f"secret is not of the expected length, got {len(secret)}, expected one of [{expected}]"
        errors.append(invalid_value(f"{at}.secret", "REDACTED", detail))
    return errors


def _kms(kms: Object, at: str, names: set[str], reload: bool) -> list[FieldError]:
    errors = []
    name, version = kms.get("name") or "", kms["apiVersion"]
    if not name:
        errors.append(required(f"{at}.name", "name is a mandatory field for a provider"))
    if version != "v1" and ":" in name:
        detail = f"invalid KMS provider name {name}, must not contain ':'"
        errors.append(invalid_value(f"{at}.name", name, detail))
    if (reload or version != "v1") and name in names:
        detail = f"duplicate KMS provider name {name}, names must be unique"
        errors.append(invalid_value(f"{at}.name", name, detail))
    if kms["timeout"] <= 0:
        errors.append(invalid_value(f"{at}.timeout", f"{kms['timeout']:g}s", "timeout should be a positive value"))
    errors += _endpoint(kms.get("endpoint") or "", f"{at}.endpoint")
    size = kms.get("cachesize")
    if version != "v1" and size is not None:
        errors.append(invalid_value(f"{at}.cachesize", size, "cachesize is not supported in v2"))
    if version == "v1" and size == 0:
        detail = "cachesize should be a positive value, or negative to disable"
        errors.append(invalid_value(f"{at}.cachesize", size, detail))
    if version not in ("v1", "v2"):
        detail = "unsupported apiVersion apiVersion for KMS provider, only v1 and v2 are supported"
        errors.append(invalid_value(f"{at}.apiVersion", version, detail))
    return errors


def _endpoint(endpoint: str, at: str) -> list[FieldError]:
    if not endpoint:
        return [invalid_value(at, "", "endpoint is a mandatory field for a kms")]
    try:
        scheme = urlsplit(endpoint).scheme
    except ValueError as error:
        return [invalid_value(at, endpoint, f"invalid endpoint for kms provider, error: {error}")]
    if scheme != "unix":
        detail = f'unsupported scheme "{scheme}" for KMS provider, only unix is supported'
        return [invalid_value(at, endpoint, detail)]
    return []
