"""Objects between requests and the store: one generic registry for every resource out of `pynetes.apis.registry`.

    registry      all resources: reading from memory, observing, starting the caches
    resource      one resource: its cacher, keys, reads and store writes
    create, update, delete, collection    the generic writes, with upstream's order of checks
    context       who writes what, with which options
    hooks         what a kind may add to writes (service addresses)
    services, …   kinds and subresources that need more than the generic writes

To add a special kind: a module with a `Hooks` subclass and a line in `hooks_table`; to add a subresource that is not
the object itself: a module in `endpoints.subresources`. Imports the cacher, storage, apis and admission's interface;
never the endpoints or the edge.
"""
