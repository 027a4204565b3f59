"""ABAC: a file of policies, one JSON object a line; a request is allowed if one of them matches.

Lines are of `abac.authorization.kubernetes.io/v1beta1`, or have no version and no spec (v0), where what is left out
matches all. Blank lines and those that begin with # are passed over.
"""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson
from msgspec import Struct

from pynetes.apiserver import configfile
from pynetes.apiserver.authentication.user import AUTHENTICATED, UserInfo
from pynetes.apiserver.authorization.attributes import ALLOW, Attributes, Decision
from pynetes.apiserver.authorization.rules import Held, Rule, url_covers
from pynetes.apiserver.configfile import ConfigFileError

log = logging.getLogger(__name__)

_GROUP = "abac.authorization.kubernetes.io"
_V0, _V1BETA1 = f"{_GROUP}/v0", f"{_GROUP}/v1beta1"
_KINDS = ((_V0, "Policy"), (_V1BETA1, "Policy"))
_OLD_SHAPE: dict[str, Any] = {"user": str, "group": str, "readonly": bool, "resource": str, "namespace": str}
_SHAPE: dict[str, Any] = {"spec": {**_OLD_SHAPE, "apiGroup": str, "nonResourcePath": str}}
#: Go's scanner takes no longer lines.
_LONGEST_LINE = 64 * 1024
_NO_MATCH = Decision(False, reason="No policy matched.")
_READ = ("get", "list", "watch")


class PolicyFileError(Exception):
    """The file cannot be used; the message is upstream's."""


class Policy(Struct, frozen=True):
    """Whom it allows what: `*` matches all of a field, an empty user or group is not asked for."""

    user: str = ""
    group: str = ""
    readonly: bool = False
    api_group: str = ""
    resource: str = ""
    namespace: str = ""
    path: str = ""

    def of(self, user: UserInfo) -> bool:
        """Whether it speaks of the user: one who is named, in the group that is named, or both."""
        if not self.user and not self.group:
            return False
        return self.user in ("", user.name) and (not self.group or self.group in user.groups)

    def matches(self, attrs: Attributes) -> bool:
        if not self.of(attrs.user) or (self.readonly and not attrs.read_only):
            return False
        if not attrs.is_resource:
            return url_covers(self.path, attrs.path)
        return (
            self.namespace in ("*", attrs.namespace)
            and self.resource in ("*", attrs.resource)
            and self.api_group in ("*", attrs.group)
        )

    def rules(self) -> Iterable[Rule]:
        verbs = list(_READ) if self.readonly else ["*"]
        if self.resource:
            yield {"verbs": verbs, "apiGroups": [self.api_group], "resources": [self.resource]}
        if self.path:
            yield {"verbs": verbs, "nonResourceURLs": [self.path]}


class ABAC:
    """Asks the policies in their order."""

    def __init__(self, policies: Sequence[Policy]) -> None:
        self._policies = policies

    def authorize(self, attrs: Attributes) -> Decision:
        return ALLOW if any(policy.matches(attrs) for policy in self._policies) else _NO_MATCH

    def held(self, user: UserInfo, namespace: str) -> Held:
        mine = (each for each in self._policies if each.of(user) and each.namespace in ("*", namespace))
        return Held([rule for policy in mine for rule in policy.rules()])


def load(path: Path | None) -> tuple[Policy, ...]:
    """The policies of a file. PolicyFileError if it cannot be read or a line of it be understood."""
    shown = path or ""
    try:
        data = Path(shown).read_bytes() if path else _absent()
    except OSError as error:
        raise PolicyFileError(f"open {shown}: {(error.strerror or str(error)).lower()}") from None
    found, unversioned = [], False
    for number, raw in enumerate(data.split(b"\n"), 1):
        line = raw.removesuffix(b"\r")
        if len(line) >= _LONGEST_LINE:
            raise PolicyFileError(f"error reading policy file {shown}: bufio.Scanner: token too long")
        if not line.strip() or line.strip().startswith(b"#"):
            continue
        try:
            document = _document(line)
            unversioned |= "apiVersion" not in document or "kind" not in document
            found.append(_policy(document))
        except ConfigFileError as error:
            text = line.decode(errors="replace")
            raise PolicyFileError(f"error reading policy file {shown}, line {number}: {text}: {error}") from None
    if unversioned:
        log.warning("policy file %s holds rules without a version", shown)
    return tuple(found)


def _absent() -> bytes:
    raise FileNotFoundError(2, "no such file or directory")


def _document(line: bytes) -> configfile.Object:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ConfigFileError(f"couldn't get version/kind; json parse error: {error}") from None
    return document if isinstance(document, dict) else {}


def _policy(document: configfile.Object) -> Policy:
    """Fields that are not known are passed over, as the original does."""
    named = {"apiVersion": document.get("apiVersion") or _V0, "kind": document.get("kind") or "Policy"}
    old = named["apiVersion"] == _V0
    shape = _OLD_SHAPE if old else _SHAPE
    known = {field: value for field, value in document.items() if field in shape}
    spec = known if old else known.get("spec") or {}
    if isinstance(spec, dict) and not old:
        known["spec"] = spec = {field: value for field, value in spec.items() if field in _SHAPE["spec"]}
    configfile.check({**named, **known}, _KINDS, shape)
    user, group = spec.get("user") or "", spec.get("group") or ""
    if "*" in (user, group) or (old and not user and not group):
        user, group = "", AUTHENTICATED
    readonly, resource, namespace = bool(spec.get("readonly")), spec.get("resource") or "", spec.get("namespace") or ""
    if not old:
        return Policy(
            user, group, readonly, spec.get("apiGroup") or "", resource, namespace, spec.get("nonResourcePath") or ""
        )
    path = "" if resource or namespace else "*"
    return Policy(user, group, readonly, "*", resource or "*", namespace or "*", path)
