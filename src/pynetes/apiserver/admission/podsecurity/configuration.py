"""The plugin's configuration: levels of namespaces without labels, and who and what is left alone."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError, duplicate, invalid_value
from pynetes.apiserver.admission.configuration import Configurations, failure
from pynetes.apiserver.admission.podsecurity.levels import (
    LEVELS,
    MODES,
    PRIVILEGED_POLICY,
    LevelVersion,
    Policy,
    is_version,
)

Object = dict[str, Any]

NAME = "PodSecurity"
_GROUP = "pod-security.admission.config.k8s.io"
_KINDS = tuple((f"{_GROUP}/{version}", "PodSecurityConfiguration") for version in ("v1", "v1beta1", "v1alpha1"))
_SHAPE: Mapping[str, Any] = {
    "defaults": {key: str for mode in MODES for key in (mode, f"{mode}-version")},
    "exemptions": {"usernames": [str], "namespaces": [str], "runtimeClasses": [str]},
}


class Configuration(Struct, frozen=True):
    defaults: Policy = PRIVILEGED_POLICY
    usernames: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()
    runtime_classes: frozenset[str] = frozenset()


def load(configurations: Configurations) -> Configuration:
    """ConfigurationError for what cannot be."""
    found = configurations.of(NAME, _KINDS, _SHAPE) or {}
    given, exemptions = found.get("defaults") or {}, found.get("exemptions") or {}
    problems: list[FieldError] = []
    levels = {mode: _level(given, mode, problems) for mode in ("enforce", "warn", "audit")}
    for field, check in _EXEMPTIONS.items():
        problems += _checked(exemptions.get(field) or [], f"exemptions.{field}", check)
    if problems:
        raise failure(NAME, str(problems[0]) if len(problems) == 1 else f"[{', '.join(map(str, problems))}]")
    sets = (frozenset(exemptions.get(field) or ()) for field in ("usernames", "namespaces", "runtimeClasses"))
    return Configuration(Policy(levels["enforce"], levels["audit"], levels["warn"]), *sets)


def _level(given: Object, mode: str, problems: list[FieldError]) -> LevelVersion:
    level, version = given.get(mode) or "privileged", given.get(f"{mode}-version") or "latest"
    if level not in LEVELS:
        problems.append(invalid_value(f"defaults.{mode}", level, f"must be one of {', '.join(LEVELS)}"))
    if not is_version(version):
        problems.append(invalid_value(f"defaults.{mode}-version", version, 'must be "latest" or "v1.x"'))
    return LevelVersion(level, version)


def _checked(values: list[str], path: str, check: Callable[[str], list[str]]) -> list[FieldError]:
    problems = []
    seen: set[str] = set()
    for index, value in enumerate(values):
        told = check(value)
        if told:
            problems.append(invalid_value(f"{path}[{index}]", value, ", ".join(told)))
        elif value in seen:
            problems.append(duplicate(f"{path}[{index}]", value))
        seen.add(value)
    return problems


_EXEMPTIONS: Mapping[str, Callable[[str], list[str]]] = {
    "namespaces": names.dns1123_label,
    "runtimeClasses": names.dns1123_subdomain,
    "usernames": lambda name: [] if name else ["username must not be empty"],
}
