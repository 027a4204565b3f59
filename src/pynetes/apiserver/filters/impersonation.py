"""`kubectl --as`: a user who may impersonate another is that other from here on (upstream's WithImpersonation)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from pynetes.apimachinery.errors import internal
from pynetes.apiserver.authentication.user import (
    ANONYMOUS,
    AUTHENTICATED,
    UNAUTHENTICATED,
    UserInfo,
    service_account_groups,
)
from pynetes.apiserver.authorization.attributes import Attributes, Authorizer, decide, refusal
from pynetes.apiserver.http import Answer, Filter, Handler, Request

_USER = "Impersonate-User"
_GROUP = "Impersonate-Group"
_UID = "Impersonate-Uid"
_EXTRA = "impersonate-extra-"


@dataclass(slots=True)
class _Wanted:
    user: str
    uid: str = ""
    groups: list[str] = field(default_factory=list)
    extra: dict[str, list[str]] = field(default_factory=dict)


def with_impersonation(authorizer: Authorizer) -> Filter:
    def wrap(handler: Handler) -> Handler:
        async def handle(request: Request) -> Answer:
            wanted = _requested(request.headers)
            if wanted is not None:
                assert request.user is not None
                for attributes in _questions(request.user, wanted):
                    decision = await decide(authorizer, attributes)
                    if not decision.allowed:
                        raise refusal(attributes, decision)
                request.context["impersonator"] = request.user
                request.user = _impersonated(wanted)
            return await handler(request)

        return handle

    return wrap


def _requested(headers: Mapping[str, str]) -> _Wanted | None:
    if not any(name[:12].lower() == "impersonate-" for name in headers):
        return None
    getall = getattr(headers, "getall", None)
    wanted = _Wanted(headers.get(_USER, ""), headers.get(_UID, ""))
    if _GROUP in headers:
        wanted.groups = list(getall(_GROUP)) if getall else [headers[_GROUP]]
    for name, value in headers.items():
        if name.lower().startswith(_EXTRA):
            wanted.extra.setdefault(unquote(name[len(_EXTRA) :].lower()), []).append(value)
    if not wanted.user and (wanted.groups or wanted.uid or wanted.extra):
        raise internal("requested identity without impersonating a user")
    return wanted if wanted.user else None


def _questions(user: UserInfo, wanted: _Wanted) -> Iterator[Attributes]:
    """What the real user must be allowed to do."""
    account = UserInfo(wanted.user).service_account
    if account is not None:
        yield Attributes(
            user, "impersonate", version="v1", resource="serviceaccounts", namespace=account[0], name=account[1]
        )
    else:
        yield Attributes(user, "impersonate", version="v1", resource="users", name=wanted.user)
    for group in wanted.groups:
        yield Attributes(user, "impersonate", version="v1", resource="groups", name=group)
    api = "authentication.k8s.io"
    if wanted.uid:
        yield Attributes(user, "impersonate", group=api, version="v1", resource="uids", name=wanted.uid)
    for key, values in wanted.extra.items():
        for value in values:
            yield Attributes(
                user, "impersonate", group=api, version="v1", resource="userextras", subresource=key, name=value
            )


def _impersonated(wanted: _Wanted) -> UserInfo:
    groups = tuple(wanted.groups)
    account = UserInfo(wanted.user).service_account
    if account is not None and not groups:
        groups = service_account_groups(account[0])
    if wanted.user == ANONYMOUS:
        if UNAUTHENTICATED not in groups:
            groups = (*groups, UNAUTHENTICATED)
    elif AUTHENTICATED not in groups and UNAUTHENTICATED not in groups:
        groups = (*groups, AUTHENTICATED)
    extra = {key: tuple(values) for key, values in wanted.extra.items()}
    return UserInfo(wanted.user, wanted.uid, groups, extra)
