"""What a rule is, and how rules name what violates them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from msgspec import Struct

Object: TypeAlias = dict[str, Any]


class Violation(Struct, frozen=True):
    """Why a pod violates a rule, shortly, and what in it does so (may be empty)."""

    reason: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})" if self.detail else self.reason


Check: TypeAlias = Callable[[Object, Object], Violation | None]
"""From a pod's (or template's) metadata and spec to its violation."""


class Rule(Struct, frozen=True):
    """`versions`: the minor version from which on a check counts, rising. `overrides`: rules of the baseline that it
    makes needless."""

    name: str
    versions: Sequence[tuple[int, Check]]
    overrides: tuple[str, ...] = ()

    def at(self, minor: int) -> Check | None:
        """The check that counts at a minor version."""
        found = [check for since, check in self.versions if since <= minor]
        return found[-1] if found else None


def containers(spec: Object) -> Iterator[Object]:
    """All of them, in the order that messages name them."""
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(field) or ()


def security(holder: Object) -> Object:
    """The securityContext of a pod's spec or of a container."""
    return holder.get("securityContext") or {}


def names(where: Iterable[Object]) -> list[str]:
    return [container.get("name", "") for container in where]


def quoted(values: Iterable[str]) -> str:
    """`"a", "b"`."""
    return ", ".join(f'"{value}"' for value in values)


def plural(word: str, count: int) -> str:
    return word if count == 1 else word + "s"


def containers_named(found: Sequence[str]) -> str:
    """`container "a"`, `containers "a", "b"`."""
    return f"{plural('container', len(found))} {quoted(found)}"


def setters(pod: bool, found: Sequence[str]) -> str:
    """Who sets something: the pod, containers, or both."""
    return " and ".join(part for part in ("pod" if pod else "", containers_named(found) if found else "") if part)


def without_windows(check: Check) -> Check:
    """Windows pods cannot set what the check asks for."""

    def run(metadata: Object, spec: Object) -> Violation | None:
        return None if (spec.get("os") or {}).get("name") == "windows" else check(metadata, spec)

    return run


def without_user_namespaces(check: Check) -> Check:
    """Pods in a user namespace of their own may be root in it."""

    def run(metadata: Object, spec: Object) -> Violation | None:
        return None if spec.get("hostUsers") is False else check(metadata, spec)

    return run
