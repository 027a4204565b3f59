"""The values of variables for one request. What no expression asks for is never made."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

from msgspec import Struct, field

from pynetes.apimachinery.cel.library.authz import Answer, Ask, AuthorizerValue, Question, ResourceCheck
from pynetes.apimachinery.cel.values import CelError
from pynetes.apimachinery.gvk import GroupVersionKind, GroupVersionResource
from pynetes.apimachinery.selectors import parse_field_selector, parse_label_selector
from pynetes.apiserver.admission.attributes import Attributes
from pynetes.apiserver.authentication.user import SERVICE_ACCOUNT_PREFIX, SERVICE_ACCOUNTS, UserInfo
from pynetes.apiserver.authorization.attributes import Attributes as Asked
from pynetes.apiserver.authorization.attributes import Authorizer, Decision

Object = dict[str, Any]
T = TypeVar("T")

_HIDDEN_METADATA = ("managedFields", "ownerReferences", "selfLink")


class Activation(Struct):
    """`obj` and `old` are in the version that `kind` and `resource` name, which the rule that matched asked for."""

    attrs: Attributes
    kind: GroupVersionKind
    resource: GroupVersionResource
    obj: Object | None
    old: Object | None
    authorizer: Authorizer | None = None
    namespace: Object | None = None
    params: Object | None = None
    #: Values that somebody else makes (`variables`).
    more: Mapping[str, Any] = field(default_factory=dict)
    #: What the values of `more` have cost so far.
    spent: int = 0
    #: What somebody over the network has decided for the expressions (`settled`).
    answers: dict[Question, Answer] = field(default_factory=dict)
    _made: dict[str, Any] = field(default_factory=dict)

    def take_spent(self) -> int:
        spent, self.spent = self.spent, 0
        return spent

    def values(self, names: Iterable[str], used: frozenset[str]) -> dict[str, Any]:
        """For all names; None for those that are not used."""
        return {name: self._value(name) if name in used else None for name in names}

    def _value(self, name: str) -> Any:
        if name in self.more:
            return self.more[name]
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Any:
        match name:
            case "object":
                return self.obj
            case "oldObject":
                return self.old
            case "params":
                return self.params
            case "request":
                return admission_request(self.attrs, self.kind, self.resource)
            case "namespaceObject":
                return _namespace_value(self.namespace)
            case "authorizer" | "authorizer.requestResource" if self.authorizer is None:
                raise CelError(f"no such attribute(s): {name}")
            case "authorizer":
                return AuthorizerValue(self._ask())
            case "authorizer.requestResource":
                attrs = self.attrs
                question = Question(
                    group=attrs.gvr.group,
                    resource=attrs.gvr.resource,
                    subresource=attrs.subresource,
                    namespace=attrs.namespace,
                    name=attrs.name,
                )
                return ResourceCheck(self._ask(), question)
        raise KeyError(name)

    def _ask(self) -> Ask:
        assert self.authorizer is not None
        return asking(self.authorizer, self.attrs.user, self.answers)


class AwaitedError(Exception):
    """An expression needs a decision that must be waited for."""

    def __init__(self, question: Question, ask: Callable[[], Awaitable[Decision]]) -> None:
        super().__init__(question)
        self.question = question
        self.ask = ask


async def settled(activation: Activation, run: Callable[[], T]) -> T:
    """What `run` makes of the activation, evaluated anew with every decision that had to be waited for."""
    while True:
        try:
            return run()
        except AwaitedError as awaited:
            activation.answers[awaited.question] = _answer(await awaited.ask())
            activation.spent = 0


def admission_request(attrs: Attributes, kind: GroupVersionKind, resource: GroupVersionResource) -> Object:
    """The request as reviews and expressions tell it, without its objects. What is empty is left out."""
    user: Object = attrs.user.to_wire()
    request: Object = {
        "kind": _kind(kind),
        "resource": _resource(resource),
        "requestKind": _kind(attrs.kind),
        "requestResource": _resource(attrs.gvr),
        "operation": attrs.operation,
        "userInfo": user,
        "dryRun": attrs.dry_run,
        "options": attrs.options or None,
    }
    if attrs.subresource:
        request["subResource"] = request["requestSubResource"] = attrs.subresource
    if attrs.name:
        request["name"] = attrs.name
    if attrs.namespace:
        request["namespace"] = attrs.namespace
    return request


def _kind(kind: GroupVersionKind) -> Object:
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}


def _resource(resource: GroupVersionResource) -> Object:
    return {"group": resource.group, "version": resource.version, "resource": resource.resource}


def _namespace_value(namespace: Object | None) -> Object | None:
    if namespace is None:
        return None
    metadata = {key: value for key, value in namespace["metadata"].items() if key not in _HIDDEN_METADATA}
    return {**namespace, "metadata": metadata}


def asking(authorizer: Authorizer, user: UserInfo, answers: Mapping[Question, Answer]) -> Ask:
    """Expressions' questions, put to the authorizer for `user` or for the service account they name.

    AwaitedError for one that it cannot answer from memory, and that is not among `answers`.
    """

    def ask(question: Question) -> Answer:
        known = answers.get(question)
        if known is not None:
            return known
        decision = authorizer.authorize(_asked(question, user))
        if decision.ask is not None:
            raise AwaitedError(question, decision.ask)
        return _answer(decision)

    return ask


def _answer(decision: Decision) -> Answer:
    return Answer(decision.allowed, decision.reason, decision.error)


def _asked(question: Question, user: UserInfo) -> Asked:
    if question.service_account is not None:
        namespace, name = question.service_account
        groups = (SERVICE_ACCOUNTS, f"{SERVICE_ACCOUNTS}:{namespace}")
        user = UserInfo(f"{SERVICE_ACCOUNT_PREFIX}{namespace}:{name}", groups=groups)
    if question.path:
        return Asked(user, question.verb, path=question.path, is_resource=False)
    return Asked(
        user,
        question.verb,
        question.group,
        "*",
        question.resource,
        question.subresource,
        question.namespace,
        question.name,
        field_selector=_requirements(parse_field_selector, question.field_selector),
        label_selector=_requirements(parse_label_selector, question.label_selector),
    )


def _requirements(parse: Callable[[str], Any], text: str) -> tuple[Any, ...]:
    """A selector that does not parse selects nothing in particular, as upstream has it."""
    try:
        return tuple(parse(text).requirements) if text else ()
    except ValueError:
        return ()
