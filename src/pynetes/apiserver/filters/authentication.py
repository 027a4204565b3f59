"""Finds out who asks; credentials do not travel further."""

from pynetes.apiserver.authentication.authenticator import RequestAuthenticator
from pynetes.apiserver.authentication.user import ANONYMOUS_USER
from pynetes.apiserver.http import Answer, Filter, Handler, Request


def with_authentication(authenticator: RequestAuthenticator) -> Filter:
    """The authenticator raises a 401 for credentials that do not hold."""
    authenticate = authenticator.authenticate

    def wrap(handler: Handler) -> Handler:
        async def handle(request: Request) -> Answer:
            request.user = await authenticate(request) or ANONYMOUS_USER
            return await handler(request)

        return handle

    return wrap
