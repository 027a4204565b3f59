"""The watch cache: a `Cacher` per resource keeps its objects as wire bytes, and serves get, list and watch.

A cacher follows one store watch. Objects are kept as the bytes that go to clients (resourceVersion spliced in), parsed
only where someone selects; watchers share events, and a batch is joined once for all who want it whole.

    entry         one object: bytes, lazily parsed
    state         all objects of the resource, in key order
    events        changes as watchers see them, and their wire form
    window        the last changes, for watches that start in the past
    watcher       one client's watch: bounded queue, initial events, bookmarks
    routing       which watchers a change concerns
    pacing        wakes watchers, some in each turn of the event loop
    listing       pages of a list
    continuation  continue tokens of chunked lists
    measures      metrics
    cacher        follows the store, answers get, list, watch at the asked freshness

The rest of the API server imports from here; this package imports `storage`, `apimachinery` and `component`.
"""

from pynetes.apiserver.cacher.cacher import Cacher
from pynetes.apiserver.cacher.entry import Entry, Predicate, wire_bytes
from pynetes.apiserver.cacher.events import Frames, WatchEvent
from pynetes.apiserver.cacher.listing import Listing
from pynetes.apiserver.cacher.watcher import Watcher

__all__ = ["Cacher", "Entry", "Frames", "Listing", "Predicate", "WatchEvent", "Watcher", "wire_bytes"]
