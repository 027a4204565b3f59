"""get and list."""

from pynetes.apimachinery.errors import StatusError, bad_request, invalid_value
from pynetes.apimachinery.quoting import go_quoted
from pynetes.apiserver.endpoints.output import entry_response, list_response
from pynetes.apiserver.endpoints.scope import Scope
from pynetes.apiserver.endpoints.selection import select
from pynetes.apiserver.http import Answer, Request
from pynetes.apiserver.negotiation import negotiate
from pynetes.apiserver.options import ListOptions


def parse_revision(text: str) -> int | None:
    """None for the newest state, 0 for any, else at least that revision."""
    if not text:
        return None
    if not text.isascii() or not text.isdigit():
        raise _invalid_revision(text, "invalid syntax")
    revision = int(text) if len(text) < 25 else 2**64
    if revision >= 2**64:
        raise _invalid_revision(text, "value out of range")
    return revision


def _invalid_revision(text: str, why: str) -> StatusError:
    found = invalid_value("resourceVersion", text, f"strconv.ParseUint: parsing {go_quoted(text)}: {why}")
    return bad_request(f"invalid resource version: {found}")


async def get(scope: Scope, request: Request) -> Answer:
    info = request.info
    assert info is not None
    media = negotiate(request, scope.restriction)
    revision = parse_revision(request.param("resourceVersion")) if request.query else None
    entry = await scope.store.get(info.namespace, info.name, revision)
    return entry_response(scope, request, media, entry)


async def list_(scope: Scope, request: Request) -> Answer:
    info = request.info
    assert info is not None
    media = negotiate(request, scope.restriction)
    options = ListOptions.of(request.query)
    selection = select(scope, options, info.namespace, "")
    revision = parse_revision(options.resource_version)
    if options.continue_ and revision:
        raise bad_request("specifying resource version is not allowed when using continue")
    listing = await scope.store.cacher.list(
        selection.prefix,
        predicate=selection.predicate,
        limit=options.limit,
        continue_=options.continue_,
        revision=revision,
        exact=options.resource_version_match == "Exact",
    )
    return await list_response(scope, request, media, listing)
