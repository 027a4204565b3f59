"""Finds out who asks; credentials do not travel further."""

from functools import partial

from prometheus_client import Gauge

from pynetes.apimachinery.errors import StatusError
from pynetes.apiserver.authentication.authenticator import RequestAuthenticator
from pynetes.apiserver.authentication.user import ANONYMOUS_USER, UserInfo
from pynetes.apiserver.http import Answer, Filter, Handler, Request
from pynetes.component import clock, metrics

_durations = metrics.Durations(
    "authentication_duration_seconds",
    "Authentication duration in seconds broken out by result.",
    ("result",),
    buckets=metrics.exponential(0.001, 2, 15),
)
_attempts = metrics.plain_counter("authentication_attempts", "Counter of authenticated attempts.", ("result",))
_users = metrics.plain_counter(
    "authenticated_user_requests", "Counter of authenticated requests broken out by username.", ("username",)
)
_by_name: dict[str, Gauge] = {}
_SUCCESS, _ERROR = ("success",), ("error",)
_NAMED = frozenset(("admin", "client", "kube_proxy", "kubelet", "system:serviceaccount:kube-system:default"))


def with_authentication(authenticator: RequestAuthenticator) -> Filter:
    """The authenticator raises a 401 for credentials that do not hold."""
    authenticate = authenticator.authenticate
    for result in (*_SUCCESS, *_ERROR):
        _attempts.labels(result).set_function(partial(_durations.count, result))

    def wrap(handler: Handler) -> Handler:
        async def handle(request: Request) -> Answer:
            time = clock.timer()
            began = time()
            try:
                user = await authenticate(request) or ANONYMOUS_USER
            except StatusError:
                _durations.note(_ERROR, time() - began)
                raise
            _durations.note(_SUCCESS, time() - began)
            name = shown(user)
            (_by_name.get(name) or _by_name.setdefault(name, _users.labels(name))).inc()
            request.user = user
            return await handler(request)

        return handle

    return wrap


def shown(user: UserInfo) -> str:
    """Names of people and accounts are too many for a label."""
    if user.name in _NAMED:
        return user.name
    return "email_id" if "@" in user.name else "other"
