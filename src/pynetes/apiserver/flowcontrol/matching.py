"""Which FlowSchema a request belongs to, and which flow of it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apiserver.authentication.user import SERVICE_ACCOUNT_PREFIX, UserInfo
from pynetes.apiserver.requestinfo import RequestInfo

Object = dict[str, Any]
Test = Callable[[UserInfo, RequestInfo], bool]

_MOST_REMEMBERED = 8192


class CompiledSchema:
    """One FlowSchema, ready to be asked."""

    __slots__ = ("by_namespace", "by_user", "level", "name", "precedence", "rules", "uid")

    def __init__(self, schema: Object) -> None:
        spec = schema["spec"]
        self.name = meta.name(schema)
        self.uid = meta.uid(schema)
        self.level: str = spec["priorityLevelConfiguration"]["name"]
        self.precedence: int = spec.get("matchingPrecedence", 1000)
        method = (spec.get("distinguisherMethod") or {}).get("type")
        self.by_user, self.by_namespace = method == "ByUser", method == "ByNamespace"
        self.rules = [_rule(rule) for rule in spec.get("rules") or ()]

    def matches(self, user: UserInfo, info: RequestInfo) -> bool:
        return any(rule(user, info) for rule in self.rules)

    def flow(self, user: UserInfo, info: RequestInfo) -> str:
        """Requests of one flow share queues."""
        return user.name if self.by_user else info.namespace if self.by_namespace else ""


class Classifier:
    """The schemas in force, the lowest matching precedence first. Remembers what it has found."""

    def __init__(self, schemas: Iterable[Object], last: Object) -> None:
        """`last` takes what no other takes."""
        compiled = [CompiledSchema(schema) for schema in schemas]
        self._schemas = sorted(compiled, key=lambda schema: (schema.precedence, schema.name))
        self._last = CompiledSchema(last)
        self._known: dict[Any, CompiledSchema] = {}

    def schema_of(self, user: UserInfo, info: RequestInfo) -> CompiledSchema:
        if info.is_resource:
            asked = (info.group, info.resource, info.subresource, info.namespace)
            key: Any = (user.name, user.groups, info.verb, asked)
        else:
            key = (user.name, user.groups, info.verb, info.path)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            found = self._known[key] = self._find(user, info)
        return found

    def _find(self, user: UserInfo, info: RequestInfo) -> CompiledSchema:
        return next((schema for schema in self._schemas if schema.matches(user, info)), self._last)


def _rule(rule: Object) -> Test:
    subjects = [_subject(subject) for subject in rule.get("subjects") or ()]
    resources = [_resource(each) for each in rule.get("resourceRules") or ()]
    paths = [_path(each) for each in rule.get("nonResourceRules") or ()]

    def matches(user: UserInfo, info: RequestInfo) -> bool:
        wanted: Sequence[Callable[[RequestInfo], bool]] = resources if info.is_resource else paths
        return any(test(user) for test in subjects) and any(test(info) for test in wanted)

    return matches


def _subject(subject: Object) -> Callable[[UserInfo], bool]:
    kind = subject.get("kind")
    if kind == "User":
        name = subject["user"]["name"]
        return lambda user: name in ("*", user.name)
    if kind == "Group":
        name = subject["group"]["name"]
        return lambda user: name == "*" or name in user.groups
    account = subject["serviceAccount"]
    prefix = f"{SERVICE_ACCOUNT_PREFIX}{account['namespace']}:"
    if account["name"] == "*":
        return lambda user: user.name.startswith(prefix)
    return lambda user: user.name == prefix + account["name"]


def _resource(rule: Object) -> Callable[[RequestInfo], bool]:
    verbs, groups = _set(rule, "verbs"), _set(rule, "apiGroups")
    resources, namespaces = _set(rule, "resources"), _set(rule, "namespaces")
    cluster_scope = bool(rule.get("clusterScope"))

    def matches(info: RequestInfo) -> bool:
        whole = f"{info.resource}/{info.subresource}" if info.subresource else info.resource
        if not (_has(verbs, info.verb) and _has(groups, info.group) and _has(resources, whole)):
            return False
        return _has(namespaces, info.namespace) if info.namespace else cluster_scope

    return matches


def _path(rule: Object) -> Callable[[RequestInfo], bool]:
    verbs, urls = _set(rule, "verbs"), _set(rule, "nonResourceURLs")
    prefixes = tuple(url[:-1] for url in urls if url.endswith("/*"))

    def matches(info: RequestInfo) -> bool:
        return _has(verbs, info.verb) and (_has(urls, info.path) or info.path.startswith(prefixes))

    return matches


def _set(rule: Object, field: str) -> frozenset[str]:
    return frozenset(rule.get(field) or ())


def _has(values: frozenset[str], value: str) -> bool:
    return value in values or "*" in values
