"""Asks whether the user may; a 403 in upstream's words if not."""

from pynetes.apiserver.authorization.attributes import Authorizer, forbidden, from_request
from pynetes.apiserver.http import Answer, Filter, Handler, Request

_DECISION, _REASON = "authorization.k8s.io/decision", "authorization.k8s.io/reason"


def with_authorization(authorizer: Authorizer) -> Filter:
    def wrap(handler: Handler) -> Handler:
        async def handle(request: Request) -> Answer:
            assert request.user is not None
            assert request.info is not None
            attributes = from_request(request.user, request.info, request.query)
            decision = authorizer.authorize(attributes)
            request.annotations[_DECISION] = "allow" if decision.allowed else "forbid"
            request.annotations[_REASON] = decision.reason
            if not decision.allowed:
                raise forbidden(attributes, decision.reason)
            return await handler(request)

        return handle

    return wrap
