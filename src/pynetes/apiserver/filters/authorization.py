"""Asks whether the user may; a 403 in upstream's words if not."""

from pynetes.apiserver.authorization.attributes import Authorizer, from_request, refusal
from pynetes.apiserver.http import Answer, Filter, Handler, Request

_DECISION, _REASON = "authorization.k8s.io/decision", "authorization.k8s.io/reason"


def with_authorization(authorizer: Authorizer) -> Filter:
    def wrap(handler: Handler) -> Handler:
        async def handle(request: Request) -> Answer:
            assert request.user is not None
            assert request.info is not None
            attributes = from_request(request.user, request.info, request.query)
            decision = authorizer.authorize(attributes)
            if decision.ask is not None:
                decision = await decision.ask()
            request.annotations[_DECISION] = "allow" if decision.allowed else "forbid"
            request.annotations[_REASON] = decision.reason
            if not decision.allowed:
                raise refusal(attributes, decision)
            return await handler(request)

        return handle

    return wrap
