"""Conditional requests (RFC 9110, 13) of documents, with what Go's `http.ServeContent` makes of them."""

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from pynetes.apiserver.http import Request, Response


def conditional(request: Request, response: Response, modified: datetime) -> Response:
    """The response, or 304 or 412 if the request wants no other. An `ETag` is looked for among its headers."""
    response.headers["Last-Modified"] = format_datetime(modified.astimezone(UTC), usegmt=True)
    etag = response.headers.get("ETag", "")
    if _failed(request, etag, modified):
        return Response(412, b"", response.content_type, response.headers)
    if _unchanged(request, etag, modified):
        return Response(304, b"", "", response.headers)
    return response


def _failed(request: Request, etag: str, modified: datetime) -> bool:
    wanted = request.headers.get("If-Match")
    if wanted:
        return not _names(wanted, etag, weak=False)
    since = _time(request.headers.get("If-Unmodified-Since"))
    return since is not None and modified.replace(microsecond=0) > since


def _unchanged(request: Request, etag: str, modified: datetime) -> bool:
    held = request.headers.get("If-None-Match")
    if held:
        return _names(held, etag, weak=True)
    since = _time(request.headers.get("If-Modified-Since"))
    return since is not None and modified.replace(microsecond=0) <= since


def _names(header: str, etag: str, *, weak: bool) -> bool:
    """Whether the header lists the tag; `weak`: a mark of weakness does not matter."""
    for each in header.split(","):
        tag = each.strip()
        if tag == "*" or (etag and (tag.removeprefix("W/") if weak else tag) == etag):
            return True
    return False


def _time(header: str | None) -> datetime | None:
    """None for what is no time: then the condition does not count."""
    try:
        found = parsedate_to_datetime(header or "")
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
