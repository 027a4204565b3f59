"""Asking the authorizer: `authorizer.group('').resource('pods').namespace('x').check('get').allowed()`.

Who answers is not known here: `Ask` is given by whoever evaluates.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from msgspec import Struct, field
from msgspec.structs import replace

from pynetes.apimachinery import names
from pynetes.apimachinery.cel.cost import (
    LIST_CREATE,
    STRUCT_CREATE,
    TRAVERSAL,
    CallEstimate,
    Estimator,
    Node,
    Range,
    fixed,
)
from pynetes.apimachinery.cel.declarations import Function, Overload
from pynetes.apimachinery.cel.library.estimates import estimate_nominal, nominal
from pynetes.apimachinery.cel.types import BOOL, STRING, Type, object_type
from pynetes.apimachinery.cel.values import CelError, size_of

_PREFIX = "kubernetes.authorization."
AUTHORIZER_TYPE = object_type(_PREFIX + "Authorizer")
PATH_CHECK_TYPE = object_type(_PREFIX + "PathCheck")
GROUP_CHECK_TYPE = object_type(_PREFIX + "GroupCheck")
RESOURCE_CHECK_TYPE = object_type(_PREFIX + "ResourceCheck")
DECISION_TYPE = object_type(_PREFIX + "Decision")
#: So that an expression can afford two.
_CHECK_COST = 350_000


class Question(Struct, frozen=True):
    """What is asked. `service_account` is namespace and name of the one that is asked for, else it is the request's
    user. Selectors are as the expression gave them."""

    verb: str = ""
    path: str = ""
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    field_selector: str = ""
    label_selector: str = ""
    service_account: tuple[str, str] | None = None


class Answer(Struct, frozen=True):
    cel_type: ClassVar[Type] = DECISION_TYPE
    allowed: bool
    reason: str = ""
    error: str = ""


Ask = Callable[[Question], Answer]


class _Value(Struct, frozen=True):
    ask: Ask
    question: Question = field(default_factory=Question)


class AuthorizerValue(_Value, frozen=True):
    cel_type: ClassVar[Type] = AUTHORIZER_TYPE


class PathCheck(_Value, frozen=True):
    cel_type: ClassVar[Type] = PATH_CHECK_TYPE


class GroupCheck(_Value, frozen=True):
    cel_type: ClassVar[Type] = GROUP_CHECK_TYPE


class ResourceCheck(_Value, frozen=True):
    cel_type: ClassVar[Type] = RESOURCE_CHECK_TYPE


def _path(value: AuthorizerValue, path: str) -> PathCheck:
    if not path.strip():
        raise CelError("path must not be empty")
    return PathCheck(value.ask, replace(value.question, path=path))


def _group(value: AuthorizerValue, group: str) -> GroupCheck:
    return GroupCheck(value.ask, replace(value.question, group=group))


def _service_account(value: AuthorizerValue, namespace: str, name: str) -> AuthorizerValue:
    if names.dns1123_subdomain(name):
        raise CelError("Invalid service account name")
    if names.dns1123_label(namespace):
        raise CelError("Invalid service account namespace")
    return AuthorizerValue(value.ask, replace(value.question, service_account=(namespace, name)))


def _resource(value: GroupCheck, resource: str) -> ResourceCheck:
    if not resource.strip():
        raise CelError("resource must not be empty")
    return ResourceCheck(value.ask, replace(value.question, resource=resource))


def _setter(attribute: str) -> Callable[[ResourceCheck, str], ResourceCheck]:
    def run(value: ResourceCheck, text: str) -> ResourceCheck:
        changes: dict[str, Any] = {attribute: text}
        return ResourceCheck(value.ask, replace(value.question, **changes))

    return run


def _check(value: PathCheck | ResourceCheck, verb: str) -> Answer:
    return value.ask(replace(value.question, verb=verb))


def _check_cost(args: Sequence[Any], result: Any) -> int:
    return _CHECK_COST


def _estimate_check(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
    return CallEstimate(fixed(_CHECK_COST))


def _selector(size: Range) -> Range:
    """Parsing, and a requirement for every two characters."""
    requirements = size.by(0.5).by(LIST_CREATE + STRUCT_CREATE)
    return fixed(LIST_CREATE).plus(size.by(TRAVERSAL)).plus(requirements)


def _selector_cost(args: Sequence[Any], result: Any) -> int:
    return _selector(fixed(size_of(args[1]))).max


def _estimate_selector(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
    return CallEstimate(_selector(estimator.size(args[0]))) if len(args) == 1 else None


def _member(name: str, overload: str, args: tuple[Type, ...], result: Type, run: Callable[..., Any]) -> Function:
    return Function(name, [Overload(overload, args, result, run, member=True)], nominal, estimate_nominal)


def declared() -> list[Function]:
    resource = RESOURCE_CHECK_TYPE
    check = Function(
        "check",
        [
            Overload("pathcheck_check", (PATH_CHECK_TYPE, STRING), DECISION_TYPE, _check, member=True),
            Overload("resourcecheck_check", (resource, STRING), DECISION_TYPE, _check, member=True),
        ],
        _check_cost,
        _estimate_check,
    )
    return [
        _member("path", "authorizer_path", (AUTHORIZER_TYPE, STRING), PATH_CHECK_TYPE, _path),
        _member("group", "authorizer_group", (AUTHORIZER_TYPE, STRING), GROUP_CHECK_TYPE, _group),
        _member(
            "serviceAccount",
            "authorizer_serviceaccount",
            (AUTHORIZER_TYPE, STRING, STRING),
            AUTHORIZER_TYPE,
            _service_account,
        ),
        _member("resource", "groupcheck_resource", (GROUP_CHECK_TYPE, STRING), resource, _resource),
        *(
            _member(name, f"resourcecheck_{name}", (resource, STRING), resource, _setter(name))
            for name in ("subresource", "namespace", "name")
        ),
        *(
            Function(
                name,
                [Overload(f"authorizer_{name.lower()}", (resource, STRING), resource, _setter(attribute), member=True)],
                _selector_cost,
                _estimate_selector,
            )
            for name, attribute in (("fieldSelector", "field_selector"), ("labelSelector", "label_selector"))
        ),
        check,
        _member("errored", "decision_errored", (DECISION_TYPE,), BOOL, lambda answer: bool(answer.error)),
        _member("error", "decision_error", (DECISION_TYPE,), STRING, lambda answer: answer.error),
        _member("allowed", "decision_allowed", (DECISION_TYPE,), BOOL, lambda answer: answer.allowed),
        _member("reason", "decision_reason", (DECISION_TYPE,), STRING, lambda answer: answer.reason),
    ]
