"""The levels that a namespace's labels ask for, and from which version of the standards."""

import re
from collections.abc import Mapping
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from pynetes import KUBERNETES_VERSION
from pynetes.apimachinery.errors import FieldError, invalid_value

PREFIX = "pod-security.kubernetes.io/"
PRIVILEGED, BASELINE, RESTRICTED = LEVELS = ("privileged", "baseline", "restricted")
MODES = ("enforce", "audit", "warn")

#: The standards' newest version, which later ones stand for until they come.
NEWEST = int(KUBERNETES_VERSION.removeprefix("v").split(".")[1])

_VERSION = re.compile(r"v1\.(0|[1-9][0-9]*)", re.ASCII)


class LevelVersion(Struct, frozen=True):
    """`version` is `latest` or `v1.N`."""

    level: str = PRIVILEGED
    version: str = "latest"

    @property
    def minor(self) -> int:
        """The minor version whose rules count."""
        return NEWEST if self.version == "latest" else min(int(self.version[len("v1.") :]), NEWEST)

    @property
    def rank(self) -> int:
        return LEVELS.index(self.level)

    def __str__(self) -> str:
        return f"{self.level}:{self.version}"


class Policy(Struct, frozen=True):
    """What violates `enforce` is refused; `audit` is noted in the audit log; `warn` is told to the client."""

    enforce: LevelVersion = LevelVersion()
    audit: LevelVersion = LevelVersion()
    warn: LevelVersion = LevelVersion()

    @property
    def is_privileged(self) -> bool:
        """Whether nothing can violate it."""
        return self.enforce.level == self.audit.level == self.warn.level == PRIVILEGED


#: That of namespaces that nobody has said anything of.
PRIVILEGED_POLICY = Policy()


_LABELS = tuple(f"{PREFIX}{mode}{of}" for mode in MODES for of in ("", "-version"))


def policy_of(labels: Mapping[str, str], defaults: Policy = PRIVILEGED_POLICY) -> tuple[Policy, list[FieldError]]:
    """The policy of a namespace with these labels, and what is wrong with them. What they leave open is `defaults`'.

    A level that is none counts as `restricted` where it is enforced and as `privileged` elsewhere. Who only names what
    to enforce is warned of the same.
    """
    policy, errors = _policy_of(tuple((label, labels[label]) for label in _LABELS if label in labels), defaults)
    return policy, list(errors)


@lru_cache(256)
def _policy_of(given: tuple[tuple[str, str], ...], defaults: Policy) -> tuple[Policy, list[FieldError]]:
    labels = dict(given)
    errors: list[FieldError] = []
    found: dict[str, LevelVersion] = {}
    for mode in MODES:
        default: LevelVersion = getattr(defaults, mode)
        level = _checked(labels, mode, errors, default.level)
        if level not in LEVELS:
            level = RESTRICTED if mode == "enforce" else PRIVILEGED
        version = _checked(labels, f"{mode}-version", errors, default.version)
        if not is_version(version):
            version = "latest"
        found[mode] = LevelVersion(level, version)
    if PREFIX + "warn" not in labels and labels.get(PREFIX + "enforce") in LEVELS[1:]:
        found["warn"] = replace(found["warn"], level=found["enforce"].level)
        if PREFIX + "warn-version" not in labels:
            found["warn"] = found["enforce"]
    return Policy(**found), errors


def is_version(text: str) -> bool:
    return text == "latest" or _VERSION.fullmatch(text) is not None


def _checked(labels: Mapping[str, str], key: str, errors: list[FieldError], default: str) -> str:
    """A label's value."""
    label = PREFIX + key
    if label not in labels:
        return default
    value = labels[label]
    if key.endswith("-version"):
        if not is_version(value):
            errors.append(invalid_value(f"metadata.labels[{label}]", value, 'must be "latest" or "v1.x"'))
    elif value not in LEVELS:
        errors.append(invalid_value(f"metadata.labels[{label}]", value, f"must be one of {', '.join(LEVELS)}"))
    return value
