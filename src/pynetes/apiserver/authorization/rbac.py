"""RBAC: roles and bindings compiled into lookups.

Fed by `observe` with every change of the four kinds. A question is answered from a cache whose keys leave out the
object's name: for (user, namespace, verb, resource) it holds whether every name is allowed, or which ones. A change of
a role or binding empties the cache; they are rare next to requests.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct, field

from pynetes.apimachinery.selectors import from_label_selector
from pynetes.apiserver.authentication.user import UserInfo, service_account_name
from pynetes.apiserver.authorization import rules
from pynetes.apiserver.authorization.attributes import NO_OPINION, Attributes, Decision
from pynetes.apiserver.authorization.rules import Held, Rule
from pynetes.apiserver.objects import Change

GROUP = "rbac.authorization.k8s.io"
KINDS = frozenset(("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"))
_CACHE_LIMIT = 20_000

Object = dict[str, Any]
#: Namespace and name; no namespace for what is cluster-wide.
Key = tuple[str, str]


class Grant(Struct, frozen=True):
    """A binding as it applies to one subject."""

    source: str
    role: tuple[str, str, str]
    """Kind, namespace and name of the role."""


class _Answer(Struct):
    """All that the rules say about one (user, namespace, verb, resource): by name, and for any name."""

    any_name: str = ""
    names: dict[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


class RBAC:
    """Holds roles and bindings; answers who may do what."""

    def __init__(self) -> None:
        self._roles: dict[tuple[str, str, str], Object] = {}
        self._bindings: dict[Key, Object] = {}
        self._grants: dict[str, dict[str, dict[Key, Grant]]] = {}
        """By binding's namespace, subject (`User x`), binding."""
        self._effective: dict[tuple[str, str, str], list[Rule]] = {}
        self._cache: dict[tuple[str, ...] | tuple[Any, ...], _Answer] = {}

    # -- changes

    def observe(self, change: Change, obj: Object) -> None:
        """Takes in a Role, ClusterRole, RoleBinding or ClusterRoleBinding; others are ignored."""
        kind = obj.get("kind")
        if kind not in KINDS:
            return
        metadata = obj["metadata"]
        key = (metadata.get("namespace") or "", metadata["name"])
        if kind.endswith("Binding"):
            self._forget_binding(key)
            if change != "DELETED":
                self._remember_binding(key, obj)
        elif change == "DELETED":
            self._roles.pop((kind, *key), None)
        else:
            self._roles[(kind, *key)] = obj
        self._effective.clear()
        self._cache.clear()

    def _remember_binding(self, key: Key, binding: Object) -> None:
        self._bindings[key] = binding
        namespace, name = key
        reference = binding.get("roleRef") or {}
        role_kind, role_name = reference.get("kind") or "", reference.get("name") or ""
        role = (role_kind, namespace if role_kind == "Role" else "", role_name)
        shown = f"{name}/{namespace}" if namespace else name
        for subject in binding.get("subjects") or ():
            user = subject_key(subject, namespace)
            if user:
                text = f'{binding["kind"]} "{shown}" of {role_kind} "{role_name}" to {_describe(subject, namespace)}'
                self._grants.setdefault(namespace, {}).setdefault(user, {}).setdefault(key, Grant(text, role))

    def _forget_binding(self, key: Key) -> None:
        binding = self._bindings.pop(key, None)
        if binding is None:
            return
        by_subject = self._grants.get(key[0], {})
        for subject in binding.get("subjects") or ():
            user = subject_key(subject, key[0])
            by_subject.get(user, {}).pop(key, None)
            if not by_subject.get(user):
                by_subject.pop(user, None)
        if not by_subject:
            self._grants.pop(key[0], None)

    # -- questions

    def authorize(self, attrs: Attributes) -> Decision:
        user = attrs.user
        key = (
            user.name,
            user.groups,
            attrs.namespace,
            attrs.verb,
            attrs.group if attrs.is_resource else None,
            attrs.resource if attrs.is_resource else attrs.path,
            attrs.subresource,
        )
        answer = self._cache.get(key)
        if answer is None:
            if len(self._cache) >= _CACHE_LIMIT:
                self._cache.clear()
            answer = self._cache[key] = self._answer(attrs)
        source = answer.any_name or answer.names.get(attrs.name)
        if source:
            return _allowed(source)
        return Decision(False, reason=_problem_text(answer.problems)) if answer.problems else NO_OPINION

    def _answer(self, attrs: Attributes) -> _Answer:
        answer = _Answer()
        problems: dict[str, None] = {}
        for grant in self.grants(attrs.user, attrs.namespace):
            try:
                granted = self.rules_of(grant.role)
            except LookupError as error:
                problems[str(error.args[0])] = None
                continue
            for rule in granted:
                if not _applies(rule, attrs):
                    continue
                names = rule.get("resourceNames") if attrs.is_resource else None
                if not names:
                    answer.any_name = grant.source
                    return answer
                for name in names:
                    answer.names.setdefault(name, grant.source)
        answer.problems = tuple(problems)
        return answer

    def grants(self, user: UserInfo, namespace: str) -> Iterator[Grant]:
        """The bindings that apply to a user in a namespace, cluster-wide ones first."""
        subjects = (f"User {user.name}", *(f"Group {group}" for group in user.groups))
        for scope in ("", namespace) if namespace else ("",):
            by_subject: Mapping[str, dict[Key, Grant]] = self._grants.get(scope, {})
            seen: set[Key] = set()
            for subject in subjects:
                for key, grant in by_subject.get(subject, {}).items():
                    if key not in seen:
                        seen.add(key)
                        yield grant

    def held(self, user: UserInfo, namespace: str) -> Held:
        """Every rule that applies to a user in a namespace, and what could not be resolved."""
        found: list[Rule] = []
        problems: dict[str, None] = {}
        for grant in self.grants(user, namespace):
            try:
                found += self.rules_of(grant.role)
            except LookupError as error:
                problems[str(error.args[0])] = None
        return Held(found, problem=_joined(tuple(problems)) if problems else "")

    def rules_of(self, role: tuple[str, str, str]) -> list[Rule]:
        """The rules of a role, those that it aggregates included; LookupError if there is no such role."""
        known = self._effective.get(role)
        if known is None:
            known = self._effective[role] = self._resolve(role, frozenset())
        return known

    def _resolve(self, role: tuple[str, str, str], seen: frozenset[tuple[str, str, str]]) -> list[Rule]:
        obj = self._roles.get(role)
        if obj is None:
            kind = role[0].lower()
            if kind not in ("role", "clusterrole"):
                raise LookupError(f'unsupported role reference kind: "{role[0]}"')
            raise LookupError(f'{kind}.{GROUP} "{role[2]}" not found')
        found: list[Rule] = list(obj.get("rules") or ())
        seen |= {role}
        for selector in (obj.get("aggregationRule") or {}).get("clusterRoleSelectors") or ():
            parsed = from_label_selector(selector)
            for other, candidate in self._roles.items():
                labels = candidate["metadata"].get("labels") or {}
                if other[0] == "ClusterRole" and other not in seen and parsed.matches(labels):
                    found += (rule for rule in self._resolve(other, seen) if rule not in found)
        return found


@lru_cache(4096)
def _allowed(source: str) -> Decision:
    return Decision(True, reason=f"RBAC: allowed by {source}")


def subject_key(subject: Mapping[str, Any], namespace: str) -> str:
    """`User x` or `Group x`; service accounts are users. "" for a subject that can match nobody."""
    kind, name = subject.get("kind"), subject.get("name") or ""
    if kind == "ServiceAccount":
        own = subject.get("namespace") or namespace
        return f"User {service_account_name(own, name)}" if own else ""
    return f"{kind} {name}" if kind in ("User", "Group") else ""


def _applies(rule: Rule, attrs: Attributes) -> bool:
    """Whether the rule speaks of the request, its name apart."""
    if attrs.is_resource:
        verbs = rule.get("verbs") or ()
        return ("*" in verbs or attrs.verb in verbs) and rules.matches_resource(
            rule, attrs.group, attrs.resource, attrs.subresource
        )
    return rules.allows(rule, attrs)


def _describe(subject: Mapping[str, Any], namespace: str) -> str:
    name = subject.get("name") or ""
    if subject.get("kind") == "ServiceAccount":
        name = f"{name}/{subject.get('namespace') or namespace}"
    return f'{subject.get("kind")} "{name}"'


def _problem_text(problems: tuple[str, ...]) -> str:
    return f"RBAC: {_joined(problems)}"


def _joined(problems: tuple[str, ...]) -> str:
    return problems[0] if len(problems) == 1 else "[" + ", ".join(problems) + "]"
