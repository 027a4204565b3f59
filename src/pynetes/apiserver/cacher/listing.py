"""Pages of a list, from memory or from the store."""

from msgspec import Struct

from pynetes.apimachinery import errors
from pynetes.apiserver.cacher import continuation
from pynetes.apiserver.cacher.entry import METADATA, Decode, Entry, Predicate, SelectableFields
from pynetes.storage import Compacted, Store

PAGE = 2000
"""Keys read from the store at a time."""


class Listing(Struct, frozen=True):
    """A list's answer: entries in key order, the List's resourceVersion, its `continue` and `remainingItemCount`."""

    entries: list[Entry]
    revision: int
    continue_: str = ""
    remaining: int | None = None

    @property
    def items(self) -> bytes:
        """The items' JSON, comma-separated, for the List's `items`."""
        return b",".join([entry.bytes for entry in self.entries])

    @property
    def typed_items(self) -> bytes:
        """The same without `apiVersion` and `kind`, which all of them begin with."""
        return b",".join([b"{" + entry.bytes[entry.bytes.index(METADATA) :] for entry in self.entries])


class Wanted(Struct, frozen=True):
    """What part of a resource a list wants: keys under `prefix` from `start` on, `limit` (0: all) of those selected."""

    prefix: str
    predicate: Predicate | None = None
    limit: int = 0
    start: str = ""

    def answer(self, found: list[Entry], revision: int, left: int) -> Listing:
        """The page of `found`; `left` keys were not looked at. With a selection nobody knows how many of them match."""
        if not left:
            return Listing(found, revision)
        token = continuation.encode(found[-1].key + "\0", self.prefix, revision)
        return Listing(found, revision, token, left if self.predicate is None else None)


def page(entries: list[Entry], wanted: Wanted, revision: int) -> Listing:
    """The page out of all entries from its start on."""
    found, scanned = _first_matching(entries, wanted.predicate, wanted.limit)
    return wanted.answer(found, revision, len(entries) - scanned)


async def stored_page(
    store: Store, wanted: Wanted, revision: int, fields_of: SelectableFields, decode: Decode | None = None
) -> Listing:
    """The page at an old revision, or now (0). StatusError 410 when it is compacted."""
    try:
        return await _read_page(store, wanted, revision, fields_of, decode)
    except Compacted:
        if wanted.start:
            token = continuation.encode(wanted.start, wanted.prefix, continuation.LATEST)
            raise continuation.ContinueExpired(token) from None
        raise errors.expired("The resourceVersion for the provided list is too old.") from None


async def _read_page(
    store: Store, wanted: Wanted, revision: int, fields_of: SelectableFields, decode: Decode | None
) -> Listing:
    """Reads on until enough entries match."""
    found: list[Entry] = []
    prefix, start = wanted.prefix, wanted.start
    one_key = not prefix.endswith("/")
    while True:
        missing = wanted.limit - len(found) if wanted.limit else 0
        keys = missing if missing and wanted.predicate is None else PAGE
        part = await store.list(prefix, revision=revision, limit=keys, start=start)
        revision = part.revision
        items = [kv for kv in part.items if not one_key or kv.key == prefix]
        entries = [Entry.from_stored(kv, fields_of) for kv in (await decode(items) if decode else items)]
        matching, scanned = _first_matching(entries, wanted.predicate, missing)
        found += matching
        left = 0 if one_key else part.remaining + len(entries) - scanned
        if not left or (wanted.limit and len(found) >= wanted.limit):
            return wanted.answer(found, revision, left)
        start = part.items[-1].key + "\0"


def _first_matching(entries: list[Entry], predicate: Predicate | None, limit: int) -> tuple[list[Entry], int]:
    """The first `limit` (0: all) entries that match, and how many were looked at for them."""
    if predicate is None:
        found = entries[:limit] if limit else entries
        return found, len(found)
    if not limit:
        return [entry for entry in entries if predicate(entry)], len(entries)
    found = []
    for scanned, entry in enumerate(entries, 1):
        if predicate(entry):
            found.append(entry)
            if len(found) == limit:
                return found, scanned
    return found, len(entries)
