"""Objects between requests and the store: one generic registry for every resource out of `pynetes.apis.registry`.

    registry      all resources: reading from memory, observing, starting the caches
    resource      one resource: its cacher, keys, reads and store writes
    create, update, delete, collection    the generic writes, with upstream's order of checks
    modify, finalizers    the loop below them, and what holds an object up that is deleted
    turns         writers that lost a race try again one after another
    fields        who owns which field: a FieldManager for every endpoint
    context       who writes what, with which options
    hooks         what a kind may add to writes (`services`: addresses and node ports)
    deletion      which kinds end in a way of their own (`namespaces`, `definitions`)

To add a special kind: a `Hooks` subclass, given to the `Registry` where `server` makes it, or a line in `deletion`'s
table; to add a subresource that is not the object itself: a module in `endpoints.subresources`. Imports the cacher,
storage, apis and admission's interface; never the endpoints or the edge.
"""
