"""PolicyRules: what one allows, what a set of them covers, and how messages show one."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple, Protocol, runtime_checkable

import orjson

from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.authorization.attributes import Attributes

Rule = dict[str, Any]

EVERYTHING: tuple[Rule, ...] = (
    {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
    {"verbs": ["*"], "nonResourceURLs": ["*"]},
)


class Held(NamedTuple):
    """What a user may do as far as it can be listed, whether there is more, and what could not be found out."""

    rules: Sequence[Rule] = ()
    incomplete: bool = False
    problem: str = ""


@runtime_checkable
class RuleResolver(Protocol):
    """An authorizer that knows of its rules."""

    def held(self, user: UserInfo, namespace: str) -> Held: ...


def allows(rule: Rule, attrs: Attributes) -> bool:
    """Whether the rule allows the request."""
    if not _matches(rule.get("verbs"), attrs.verb):
        return False
    if not attrs.is_resource:
        return any(url_covers(url, attrs.path) for url in rule.get("nonResourceURLs") or ())
    if not matches_resource(rule, attrs.group, attrs.resource, attrs.subresource):
        return False
    names = rule.get("resourceNames")
    return not names or attrs.name in names


def matches_resource(rule: Rule, group: str, resource: str, subresource: str) -> bool:
    """Whether the rule speaks of the resource; `*/scale` means the subresource of every resource."""
    if not _matches(rule.get("apiGroups"), group):
        return False
    resources = rule.get("resources") or ()
    if not subresource:
        return "*" in resources or resource in resources
    return "*" in resources or f"{resource}/{subresource}" in resources or f"*/{subresource}" in resources


def _matches(allowed: Iterable[str] | None, value: str) -> bool:
    return allowed is not None and ("*" in allowed or value in allowed)


def url_covers(owner: str, path: str) -> bool:
    """`/healthz/*` covers what begins with `/healthz/`."""
    return owner == path or (owner.endswith("*") and path.startswith(owner.rstrip("*")))


def uncovered(owned: Iterable[Rule], wanted: Iterable[Rule]) -> list[Rule]:
    """The parts of `wanted`, one verb and one resource each, that `owned` does not hold."""
    owners = list(owned)
    return [part for rule in wanted for part in _parts(rule) if not any(_covers(owner, part) for owner in owners)]


def _parts(rule: Rule) -> Iterator[Rule]:
    verbs = rule.get("verbs") or ()
    for group, resource, verb in product(rule.get("apiGroups") or (), rule.get("resources") or (), verbs):
        part: Rule = {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
        names = rule.get("resourceNames")
        if names:
            yield from ({**part, "resourceNames": [name]} for name in names)
        else:
            yield part
    for url, verb in product(rule.get("nonResourceURLs") or (), verbs):
        yield {"nonResourceURLs": [url], "verbs": [verb]}


def _covers(owner: Rule, part: Rule) -> bool:
    if not _matches(owner.get("verbs"), part["verbs"][0]):
        return False
    if "nonResourceURLs" in part:
        return any(url_covers(url, part["nonResourceURLs"][0]) for url in owner.get("nonResourceURLs") or ())
    resource, _, subresource = part["resources"][0].partition("/")
    if not matches_resource(owner, part["apiGroups"][0], resource, subresource):
        return False
    names, wanted = owner.get("resourceNames"), part.get("resourceNames")
    return not names or (wanted is not None and wanted[0] in names)


def describe(missing: Iterable[Rule]) -> list[str]:
    """Rules in upstream's short form, those of one resource joined, sorted."""
    joined: dict[tuple[str, ...], Rule] = {}
    for rule in missing:
        if "nonResourceURLs" in rule:
            key: tuple[str, ...] = ("url", rule["nonResourceURLs"][0], rule["verbs"][0])
        else:
            key = (rule["apiGroups"][0], rule["resources"][0], *rule.get("resourceNames", ()))
        known = joined.setdefault(key, {**rule, "verbs": []})
        known["verbs"] = [*known["verbs"], *rule["verbs"]]
    return sorted({_short(rule) for rule in joined.values()})


def _short(rule: Rule) -> str:
    fields = (
        ("APIGroups", "apiGroups"),
        ("Resources", "resources"),
        ("NonResourceURLs", "nonResourceURLs"),
        ("ResourceNames", "resourceNames"),
        ("Verbs", "verbs"),
    )
    return "{" + ", ".join(f"{title}:{quoted(rule[key])}" for title, key in fields if rule.get(key)) + "}"


def quoted(values: Iterable[str]) -> str:
    """`["a" "b"]`: how upstream prints a list of strings."""
    return "[" + " ".join(orjson.dumps(value).decode() for value in values) + "]"
