"""What passes between the edge, the filters and the endpoints: requests, answers, handlers.

Independent of the HTTP server underneath, so that a request from a socket and one from a client in the same process
take the same road.
"""

import html
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlencode

from msgspec import Struct, field

from pynetes.apimachinery.quoting import go_quoted
from pynetes.apiserver.requestinfo import origin_form

if TYPE_CHECKING:
    from aiohttp.web_request import BaseRequest
    from aiohttp.web_response import StreamResponse as AiohttpStream

    from pynetes.apimachinery.gvk import GroupVersionKind
    from pynetes.apiserver.authentication.user import UserInfo
    from pynetes.apiserver.requestinfo import RequestInfo


class Request(Struct):
    """One request. `path` is decoded and without query; header names are case-insensitive.

    `read_body` gives the whole body once and raises a 413 StatusError past the limit. `peer_certificate` is DER, set
    only if TLS verified it against the client CA. `raw` is None for a request from within the process.
    """

    method: str
    path: str
    query: dict[str, list[str]]
    headers: Mapping[str, str]
    read_body: Callable[[], Awaitable[bytes]]
    remote: str = ""
    peer_certificate: bytes | None = None
    raw: "BaseRequest | None" = None
    user: "UserInfo | None" = None
    info: "RequestInfo | None" = None
    warnings: list[str] = field(default_factory=list)
    #: Seconds that others kept it waiting: webhooks, and requests before it.
    waits: list[float] = field(default_factory=list)
    #: When its time is over, as `clock.monotonic` tells it; None for one that may take as long as it likes.
    deadline: float | None = None
    #: Names this request in audit logs and in the answer's `Audit-Id`.
    audit_id: str = ""
    #: Bytes of the body, once it is read: how much work the rest may be.
    size: int = 0
    #: Facts that one stage leaves for a later one (the impersonator).
    context: dict[str, Any] = field(default_factory=dict)
    #: The uids of the FlowSchema and the priority level that it was served under.
    flow: tuple[str, str] | None = None
    #: What stages note for the audit log.
    annotations: dict[str, str] = field(default_factory=dict)
    #: DER of the authorities between `peer_certificate` and the client CA, if the client sent some, nearest first.
    peer_issuers: tuple[bytes, ...] = ()
    #: Tells the audit log which object was sent, as it is before admission, or which patch (of no kind); None where
    #: nobody wants to know.
    note: "Callable[[Any, GroupVersionKind | None], None] | None" = None

    @property
    def target(self) -> str:
        """Path and query as they came over the wire, or as they would have."""
        if self.raw is not None:
            return origin_form(self.raw.raw_path)
        pairs = [(name, value) for name, values in self.query.items() for value in values]
        return f"{self.path}?{urlencode(pairs)}" if pairs else self.path

    def param(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else default

    def flag(self, name: str) -> bool:
        """A boolean query parameter, by upstream's rule: present, and neither `0` nor `false`, means true."""
        values = self.query.get(name)
        return values is not None and values[0].lower() not in ("0", "false")


class Response(Struct):
    """A whole answer."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    #: Whether the body is an object of this server's, or an error of it: what the audit log shows of answers.
    is_object: bool = True


class StreamResponse(Struct):
    """An answer without end: every chunk is sent as it comes. `chunks` is closed when the client goes away."""

    status: int
    content_type: str
    chunks: AsyncIterator[bytes]
    headers: dict[str, str] = field(default_factory=dict)


class Upgrade(Struct):
    """Takes the connection over (WebSocket, SPDY); `run` prepares and returns aiohttp's own response."""

    run: "Callable[[BaseRequest], Awaitable[AiohttpStream]]"


Answer: TypeAlias = Response | StreamResponse | Upgrade
Handler: TypeAlias = Callable[[Request], Awaitable[Answer]]
Filter: TypeAlias = Callable[[Handler], Handler]


NO_SNIFFING = {"X-Content-Type-Options": "nosniff"}


def text(body: str, status: int = 200) -> Response:
    """A plain-text answer."""
    return Response(status, body.encode(), "text/plain; charset=utf-8", dict(NO_SNIFFING))


def broken(request: Request, why: str) -> Response:
    """A request that failed before it was known what it is about."""
    told = f"Internal Server Error: {go_quoted(request.target)}: {why}\n"
    return text(html.escape(told, quote=False), 500)


def compose(handler: Handler, filters: list[Filter]) -> Handler:
    """`handler` behind `filters`; the first of them sees a request first."""
    for wrap in reversed(filters):
        handler = wrap(handler)
    return handler
