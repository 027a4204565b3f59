"""get and list."""

from pynetes.apimachinery.errors import StatusError, bad_request, invalid_value
from pynetes.apimachinery.quoting import go_quoted
from pynetes.apiserver.cacher import Listing, continuation
from pynetes.apiserver.endpoints.output import entry_response, list_response
from pynetes.apiserver.endpoints.scope import Scope
from pynetes.apiserver.endpoints.selection import Selection, select
from pynetes.apiserver.http import Answer, Request
from pynetes.apiserver.negotiation import negotiate
from pynetes.apiserver.options import ListOptions, boolean

_LARGEST = (1 << 64) - 1


def _revision(text: str) -> int | None:
    """None for the newest state, 0 for any, else at least that revision. ValueError."""
    if not text:
        return None
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 25 else None
    if number is None or number > _LARGEST:
        why = "value out of range" if text.isascii() and text.isdigit() else "invalid syntax"
        found = invalid_value("resourceVersion", text, f"strconv.ParseUint: parsing {go_quoted(text)}: {why}")
        raise ValueError(str(found))
    return number


def parse_revision(text: str) -> int | None:
    """`_revision`'s; StatusError 400."""
    try:
        return _revision(text)
    except ValueError as error:
        raise bad_request(f"invalid resource version: {error}") from None


def revision_of(request: Request) -> int | None:
    """The same for a single object and for a watch, where upstream takes what is wrong for its own fault."""
    try:
        return _revision(request.param("resourceVersion")) if request.query else None
    except ValueError as error:
        raise StatusError(500, "", str(error)) from None


async def get(scope: Scope, request: Request) -> Answer:
    info = request.info
    assert info is not None
    media = negotiate(request, scope.restriction)
    if request.query and boolean(request.query, "export"):
        raise bad_request("the export parameter, deprecated since v1.14, is no longer supported")
    revision = revision_of(request)
    entry = await scope.store.get(info.namespace, info.name, revision)
    return entry_response(scope, request, media, entry)


async def list_(scope: Scope, request: Request) -> Answer:
    info = request.info
    assert info is not None
    media = negotiate(request, scope.restriction)
    options = ListOptions.of(request.query)
    selection = select(scope, options, info.namespace, "")
    return await list_response(scope, request, media, await listed(scope, options, selection))


async def listed(scope: Scope, options: ListOptions, selection: Selection, *, pages: bool = False) -> Listing:
    """What the options ask for. `pages`: the original reads it in pages even if no limit is set, which gives a revision
    its exact meaning. StatusError 400, 410, 504."""
    if options.continue_:
        continuation.decode(options.continue_, scope.store.prefix)
        if options.resource_version not in ("", "0"):
            raise bad_request("specifying resource version is not allowed when using continue")
    revision = parse_revision(options.resource_version)
    limit = max(options.limit, 0)
    exact = options.resource_version_match == "Exact" or ((limit > 0 or pages) and not options.resource_version_match)
    return await scope.store.cacher.list(
        selection.prefix,
        predicate=selection.predicate,
        limit=limit,
        continue_=options.continue_,
        revision=revision,
        exact=exact,
    )
