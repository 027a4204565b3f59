"""Who may act as whom: upstream's modes of constrained impersonation, and the older verb `impersonate` after them.

In a constrained mode a user needs two rights: `impersonate:MODE` on whom it wants to be, and `impersonate-on:MODE:VERB`
on what it does as that user. The modes that do not fit whom it wants to be are passed over, the others asked in order,
first the one that the user got through with before.
"""

from collections.abc import Callable, Mapping

import orjson
from msgspec import Struct, field
from msgspec.structs import replace
from prometheus_client import Counter, Histogram

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import StatusError, aggregate, bad_request
from pynetes.apis.domain_path import validate_domain_prefixed_path
from pynetes.apis.field_errors import FieldErrors
from pynetes.apiserver.authentication.user import (
    ANONYMOUS,
    AUTHENTICATED,
    NODE_NAME,
    NODE_PREFIX,
    NODES,
    PRIVILEGED,
    UNAUTHENTICATED,
    UserInfo,
    service_account_groups,
)
from pynetes.apiserver.authorization.attributes import Attributes, Authorizer, Decision, decide, forbidden
from pynetes.component import clock, metrics

GROUP = "authentication.k8s.io"
LEGACY = "legacy"
_KEYS = "authentication.kubernetes.io/associated-node-keys"
#: From this many groups or extra values on, the right to all of them is asked for first.
_MANY = 4
_REMEMBERED = 10_000
_LABELS = ("mode", "decision")
_BUCKETS = metrics.exponential(0.001, 2, 15)

_attempts = metrics.counter(
    "apiserver_impersonation_attempts_total",
    "Total number of impersonation attempts split by mode and decision.",
    _LABELS,
)
_attempt_seconds = metrics.histogram(
    "apiserver_impersonation_attempts_duration_seconds",
    "Latency of impersonation attempts in seconds split by mode and decision.",
    _LABELS,
    buckets=_BUCKETS,
)
_checks = metrics.counter(
    "apiserver_impersonation_authorization_attempts_total",
    "Total number of authorization checks made by the impersonation handler split by mode and decision.",
    _LABELS,
)
_check_seconds = metrics.histogram(
    "apiserver_impersonation_authorization_attempts_duration_seconds",
    "Latency of authorization checks made by the impersonation handler in seconds split by mode and decision.",
    _LABELS,
    buckets=_BUCKETS,
)


class Wanted(Struct):
    """The identity as the headers give it."""

    user: str
    uid: str = ""
    groups: list[str] = field(default_factory=list)
    extra: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_bare(self) -> bool:
        """Whether it is a name and nothing else."""
        return not (self.uid or self.groups or self.extra)


class Impersonated(Struct, frozen=True):
    """Who the user is from here on; `constraint` is the verb that allowed it, "" for the older one."""

    user: UserInfo
    constraint: str = ""


def nameless(wanted: Wanted) -> StatusError:
    """The refusal of an identity without a name; the original shows it as Go would."""
    groups = f"{{{', '.join(map(_quoted, wanted.groups))}}}" if wanted.groups else "(nil)"
    extra = "(nil)"
    if wanted.extra:
        pairs = (f"{_quoted(k)}:[]string{{{', '.join(map(_quoted, v))}}}" for k, v in sorted(wanted.extra.items()))
        extra = f"{{{', '.join(pairs)}}}"
    shown = f'Name:"", UID:{_quoted(wanted.uid)}, Groups:[]string{groups}, Extra:map[string][]string{extra}'
    return bad_request(f"requested &user.DefaultInfo{{{shown}}} without impersonating a user name")


class Impersonation:
    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer
        self._last: dict[str, str] = {}

    async def impersonate(self, request: Attributes, wanted: Wanted) -> Impersonated:
        """Whom `request.user` becomes for this request; StatusError 403, of the mode that was tried first."""
        began, requester = clock.monotonic(), request.user.name
        first: StatusError | None = None
        for mode in self._order(requester):
            if not _MODES[mode](wanted, request.user):
                continue
            try:
                found = await self._try(mode, request, wanted)
            except StatusError as error:
                first = first or error
                continue
            self._remember(requester, mode)
            _record(_attempts, _attempt_seconds, mode, True, began)
            return found
        _record(_attempts, _attempt_seconds, "", False, began)
        assert first is not None  # the last mode takes everyone
        raise first

    def _order(self, requester: str) -> list[str]:
        last = self._last.get(requester)
        return list(_MODES) if last is None else [last, *(mode for mode in _MODES if mode != last)]

    def _remember(self, requester: str, mode: str) -> None:
        self._last.pop(requester, None)
        self._last[requester] = mode
        if len(self._last) > _REMEMBERED:
            del self._last[next(iter(self._last))]

    async def _try(self, mode: str, request: Attributes, wanted: Wanted) -> Impersonated:
        constrained = mode != LEGACY
        verb = f"impersonate:{mode}" if constrained else "impersonate"
        if mode == "associated-node":
            # Every account on the node asks the same: what tells its tokens apart is left out.
            request = replace(request, user=replace(request.user, extra={_KEYS: tuple(sorted(request.user.extra))}))
        if constrained:
            await self._require(mode, replace(request, verb=f"impersonate-on:{mode}:{request.verb}"))
        await self._require(mode, _of_name(mode, verb, request.user, wanted))
        if wanted.uid:
            question = Attributes(request.user, verb, group=GROUP, version="v1", resource="uids", name=wanted.uid)
            await self._require(mode, question)
        await self._groups(mode, verb, request.user, wanted)
        await self._extra(mode, verb, request.user, wanted)
        return Impersonated(_identity(wanted, constrained), verb if constrained else "")

    async def _groups(self, mode: str, verb: str, user: UserInfo, wanted: Wanted) -> None:
        if not wanted.groups:
            return
        question = Attributes(user, verb, group=_group(mode), version="v1", resource="groups")
        if mode != LEGACY:
            if "" in wanted.groups:
                raise forbidden(question, "impersonating the empty string group is not allowed")
            if PRIVILEGED in wanted.groups:
                told = f"impersonating the {PRIVILEGED} group is not allowed"
                raise forbidden(replace(question, name=PRIVILEGED), told)
            if len(wanted.groups) >= _MANY and (await self._ask(mode, replace(question, name="*"))).allowed:
                return
        for group in wanted.groups:
            await self._require(mode, replace(question, name=group))

    async def _extra(self, mode: str, verb: str, user: UserInfo, wanted: Wanted) -> None:
        if not wanted.extra:
            return
        question = Attributes(user, verb, group=GROUP, version="v1", resource="userextras")
        if mode != LEGACY:
            if problem := extra_problem(wanted.extra):
                raise forbidden(question, problem)
            many = max(len(wanted.extra), sum(map(len, wanted.extra.values()))) >= _MANY
            if many and (await self._ask(mode, replace(question, subresource="*", name="*"))).allowed:
                return
        for key, values in wanted.extra.items():
            for value in values:
                await self._require(mode, replace(question, subresource=key, name=value))

    async def _require(self, mode: str, question: Attributes) -> None:
        decision = await self._ask(mode, question)
        if not decision.allowed:
            told = ": ".join(part for part in (decision.error, decision.reason) if part)
            raise forbidden(question, told)

    async def _ask(self, mode: str, question: Attributes) -> Decision:
        began = clock.monotonic()
        decision = await decide(self._authorizer, question)
        _record(_checks, _check_seconds, mode, decision.allowed, began)
        return decision


def _of_name(mode: str, verb: str, user: UserInfo, wanted: Wanted) -> Attributes:
    """The question whether the user may take the name."""
    question = Attributes(user, verb, group=_group(mode), version="v1", resource="users", name=wanted.user)
    account = UserInfo(wanted.user).service_account
    if account is not None:
        return replace(question, resource="serviceaccounts", namespace=account[0], name=account[1])
    node = node_of(wanted.user)
    if mode != LEGACY and node:
        return replace(question, resource="nodes", name="*" if mode == "associated-node" else node)
    return question


def _group(mode: str) -> str:
    """Users and groups are of the core group for the older verb."""
    return "" if mode == LEGACY else GROUP


def _identity(wanted: Wanted, constrained: bool) -> UserInfo:
    groups = tuple(wanted.groups)
    account = UserInfo(wanted.user).service_account
    if account is not None and not groups:
        groups = service_account_groups(account[0])
    elif constrained and node_of(wanted.user):
        groups = (NODES,)
    if wanted.user == ANONYMOUS:
        added = UNAUTHENTICATED
    else:
        added = "" if UNAUTHENTICATED in groups else AUTHENTICATED
    if added and added not in groups:
        groups = (*groups, added)
    return UserInfo(wanted.user, wanted.uid, groups, {key: tuple(values) for key, values in wanted.extra.items()})


def node_of(user: str) -> str:
    """The node that a user's name says it is; "" for other names."""
    name = user.removeprefix(NODE_PREFIX)
    return name if name != user and not names.dns1123_subdomain(name) else ""


def _is_account(user: str) -> bool:
    return UserInfo(user).service_account is not None


def _on_node(wanted: Wanted, requester: UserInfo) -> bool:
    """Whether it is an account that wants to be the node that its pod runs on."""
    node = node_of(wanted.user)
    return bool(node) and wanted.is_bare and _is_account(requester.name) and requester.extra.get(NODE_NAME) == (node,)


#: In the order in which they are asked: whether the mode is for whom is wanted.
_MODES: Mapping[str, Callable[[Wanted, UserInfo], bool]] = {
    "associated-node": _on_node,
    "arbitrary-node": lambda wanted, _: wanted.is_bare and bool(node_of(wanted.user)),
    "serviceaccount": lambda wanted, _: wanted.is_bare and _is_account(wanted.user),
    "user-info": lambda wanted, _: not node_of(wanted.user) and not _is_account(wanted.user),
    LEGACY: lambda wanted, _: True,
}


def extra_problem(extra: Mapping[str, list[str]]) -> str:
    """What a constrained mode does not take; "" if it takes all."""
    for key, values in extra.items():
        if not key:
            return "impersonating the empty string key in extra is not allowed"
        found = FieldErrors()
        validate_domain_prefixed_path(found, key, "extra.key")
        if found:
            return f"impersonating an invalid key in extra is not allowed: {aggregate(map(str, found))}"
        if key != key.lower():
            return f"impersonating a non-lowercase key in extra is not allowed: {_quoted(key)}"
        if "" in values:
            return "impersonating the empty string value in extra is not allowed"
    return ""


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()


def _record(count: Counter, seconds: Histogram, mode: str, allowed: bool, began: float) -> None:
    labels = (mode, "allowed" if allowed else "denied")
    count.labels(*labels).inc()
    seconds.labels(*labels).observe(clock.monotonic() - began)
