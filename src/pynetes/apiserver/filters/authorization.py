"""Asks whether the user may; a 403 in upstream's words if not."""

from functools import partial

from pynetes.apiserver.authorization.attributes import Authorizer, Decision, from_request, refusal
from pynetes.apiserver.http import Answer, Filter, Handler, Request, broken
from pynetes.component import clock, metrics

_DECISION, _REASON = "authorization.k8s.io/decision", "authorization.k8s.io/reason"

_durations = metrics.Durations(
    "authorization_duration_seconds",
    "Authorization duration in seconds broken out by result.",
    ("result",),
    buckets=metrics.exponential(0.001, 2, 15),
)
# Counted elsewhere, which the client library lets no counter be.
_attempts = metrics.plain_counter(
    "authorization_attempts_total",
    "Counter of authorization attempts broken down by result. It can be either 'allowed', 'denied', 'no-opinion' or "
    "'error'.",
    ("result",),
)
_ALLOWED, _ERROR, _DENIED, _NO_OPINION = _RESULTS = (("allowed",), ("error",), ("denied",), ("no-opinion",))


def with_authorization(authorizer: Authorizer) -> Filter:
    for (result,) in _RESULTS:
        _attempts.labels(result).set_function(partial(_durations.count, result))

    def wrap(handler: Handler) -> Handler:
        async def handle(request: Request) -> Answer:
            assert request.user is not None
            assert request.info is not None
            attributes = from_request(request.user, request.info, request.query)
            time = clock.timer()
            began = time()
            decision = authorizer.authorize(attributes)
            if decision.ask is not None:
                decision = await decision.ask()
            _durations.note(_result(decision), time() - began)
            if decision.error and not decision.allowed:
                request.annotations[_REASON] = "internal error"
                return broken(request, decision.error)
            request.annotations[_DECISION] = "allow" if decision.allowed else "forbid"
            request.annotations[_REASON] = decision.reason
            if not decision.allowed:
                raise refusal(attributes, decision)
            return await handler(request)

        return handle

    return wrap


def _result(decision: Decision) -> tuple[str]:
    if decision.allowed:
        return _ALLOWED
    if decision.error:
        return _ERROR
    return _DENIED if decision.denied else _NO_OPINION
