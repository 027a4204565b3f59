"""What an authorizer is asked, and what it answers."""

import html
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct
from msgspec.structs import replace

from pynetes.apimachinery import errors
from pynetes.apimachinery.errors import StatusError
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.http import NO_SNIFFING

if TYPE_CHECKING:
    from pynetes.apimachinery.selectors import Requirement

FieldRequirement = tuple[str, str, str]


class Attributes(Struct, frozen=True):
    """One request as authorization sees it. The selectors are those of a list, a watch or a collection's deletion.

    `field_selector` holds (field, operator, value).
    """

    user: UserInfo
    verb: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""
    is_resource: bool = True
    field_selector: tuple[FieldRequirement, ...] = ()
    label_selector: "tuple[Requirement, ...]" = ()

    @property
    def full_resource(self) -> str:
        """`pods/log`: the resource as RBAC rules name it."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource

    @property
    def read_only(self) -> bool:
        return self.verb in ("get", "list", "watch")


class Decision(Struct, frozen=True):
    """`allowed`, `denied` (no later authorizer is asked) or neither (no opinion), with the reason shown to the user.

    `error` says what went wrong on the way. With `ask` nobody knows yet: it gives the decision, from over the network.
    Who cannot wait for that takes it for a refusal.
    """

    allowed: bool
    denied: bool = False
    reason: str = ""
    error: str = ""
    ask: "Callable[[], Awaitable[Decision]] | None" = None


ALLOW = Decision(True)
NO_OPINION = Decision(False)


class Authorizer(Protocol):
    def authorize(self, attrs: Attributes) -> Decision:
        """The decision as far as memory knows it."""
        ...


async def decide(authorizer: Authorizer, attrs: Attributes) -> Decision:
    """The decision, waited for if somebody else makes it."""
    decision = authorizer.authorize(attrs)
    return decision if decision.ask is None else await decision.ask()


class Info(Protocol):
    """The part of `apiserver.requestinfo.RequestInfo` that authorization reads."""

    @property
    def is_resource(self) -> bool: ...
    @property
    def verb(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def resource(self) -> str: ...
    @property
    def subresource(self) -> str: ...
    @property
    def namespace(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def path(self) -> str: ...


def from_request(user: UserInfo, info: Info, query: Mapping[str, Sequence[str]]) -> Attributes:
    """The attributes of a request; a selector that does not parse narrows nothing."""
    return Attributes(
        user,
        info.verb,
        group=info.group,
        version=info.version,
        resource=info.resource,
        subresource=info.subresource,
        namespace=info.namespace,
        name=info.name,
        path=info.path,
        is_resource=info.is_resource,
        field_selector=_field_requirements(query) if query else (),
        label_selector=_label_requirements(query) if query else (),
    )


def _label_requirements(query: Mapping[str, Sequence[str]]) -> "tuple[Requirement, ...]":
    found = query.get("labelSelector")
    if not found or not found[0]:
        return ()
    from pynetes.apimachinery.selectors import parse_label_selector

    try:
        return parse_label_selector(found[0]).requirements
    except ValueError:
        return ()


def _field_requirements(query: Mapping[str, Sequence[str]]) -> tuple[FieldRequirement, ...]:
    found = query.get("fieldSelector")
    if not found or not found[0]:
        return ()
    from pynetes.apimachinery.selectors import parse_field_selector

    try:
        return parse_field_selector(found[0]).requirements
    except ValueError:
        return ()


async def require_verb(
    authorizer: Authorizer, user: UserInfo, info: Info, query: Mapping[str, Sequence[str]], verb: str
) -> None:
    """Raises a 403 `StatusError` unless the user may do the same with another verb.

    For WebSocket clients of exec, attach and portforward: they come with GET, and must be allowed to create.
    """
    if info.verb == verb:
        return
    attrs = replace(from_request(user, info, query), verb=verb)
    decision = await decide(authorizer, attrs)
    if not decision.allowed:
        raise refusal(attrs, decision)


def forbidden_message(attrs: Attributes) -> str:
    """Upstream's sentence about a refused request."""
    user = f'User "{attrs.user.name}"'
    if not attrs.is_resource:
        return f'{user} cannot {attrs.verb} path "{attrs.path}"'
    text = f'{user} cannot {attrs.verb} resource "{attrs.full_resource}" in API group "{attrs.group}"'
    if attrs.namespace:
        return f'{text} in the namespace "{attrs.namespace}"'
    return f"{text} at the cluster scope"


def forbidden(attrs: Attributes, reason: str = "") -> StatusError:
    """The 403 of a refused request."""
    # Upstream escapes what a browser could take for HTML.
    message = html.escape(forbidden_message(attrs), quote=False)
    if reason:
        message = f"{message}: {reason}"
    resource = f"{attrs.resource}.{attrs.group}" if attrs.group and attrs.resource else attrs.resource
    return errors.forbidden(resource, attrs.name, message)


def refusal(attrs: Attributes, decision: Decision) -> StatusError:
    """What a request that is not allowed ends with: a 500 where an authorizer failed, as upstream has it."""
    if decision.error:
        return errors.internal(decision.error)
    error = forbidden(attrs, decision.reason)
    error.headers.update(NO_SNIFFING)
    return error
