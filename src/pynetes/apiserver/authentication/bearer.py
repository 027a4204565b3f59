"""Bearer tokens: from the Authorization header, or from a WebSocket subprotocol for browsers, which set no headers."""

import base64
import binascii
from collections.abc import Sequence

from pynetes.apiserver.authentication.authenticator import InvalidCredentials, TokenAuthenticator
from pynetes.apiserver.authentication.request_header import values
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.http import Request

INVALID_TOKEN = "invalid bearer token"
_EXTRA_SPACE = "the provided Authorization header contains extra space before the bearer token, and is ignored"
WEBSOCKET_PREFIX = "base64url.bearer.authorization.k8s.io."


class BearerAuthenticator:
    """Asks each kind of token in turn. A token that none of them knows is an error, not anonymity."""

    def __init__(self, kinds: Sequence[TokenAuthenticator], audiences: tuple[str, ...]) -> None:
        self._kinds = tuple(kinds)
        self.audiences = audiences

    async def authenticate(self, request: Request) -> UserInfo | None:
        token = header_token(request) or websocket_token(request)
        if not token:
            return None
        return await self.authenticate_token(token, self.audiences)

    async def authenticate_token(self, token: str, audiences: tuple[str, ...]) -> UserInfo:
        """The identity of a token; `InvalidCredentials` if there is none."""
        problems: list[str] = []
        annotations: dict[str, str] = {}
        for kind in self._kinds:
            try:
                found = await kind.authenticate_token(token, audiences)
            except InvalidCredentials as error:
                problems.append(str(error))
                annotations |= error.annotations
            else:
                if found is not None:
                    return found
        if len(problems) > 1:
            raise InvalidCredentials("[" + ", ".join(problems) + "]", annotations)
        raise InvalidCredentials(problems[0] if problems else INVALID_TOKEN, annotations)


def header_token(request: Request) -> str:
    scheme, _, rest = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer":
        return ""
    if rest.startswith(" "):
        request.warnings.append(_EXTRA_SPACE)
    return rest.split(" ", 1)[0]


def websocket_token(request: Request) -> str:
    """The token that a WebSocket client offers among its subprotocols, beside at least one real one."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        return ""
    offered = offered_protocols(request)
    tokens = [protocol.removeprefix(WEBSOCKET_PREFIX) for protocol in offered if protocol.startswith(WEBSOCKET_PREFIX)]
    if not tokens:
        return ""
    if len(tokens) > 1:
        raise InvalidCredentials("multiple base64.bearer.authorization tokens specified")
    try:
        # "strict" decoding, as a token has one spelling only
        token = base64.b64decode(tokens[0] + "=" * (-len(tokens[0]) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidCredentials("invalid base64.bearer.authorization token encoding") from error
    if token and len(offered) == 1:
        raise InvalidCredentials("missing additional subprotocol")
    return token


def offered_protocols(request: Request) -> list[str]:
    """The subprotocols that a WebSocket client offers, tokens included."""
    lines = values(request.headers, "Sec-WebSocket-Protocol")
    return [protocol.strip() for line in lines for protocol in line.split(",") if protocol.strip()]
