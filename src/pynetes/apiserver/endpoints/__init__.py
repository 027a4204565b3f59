"""What answers a request after the filters: verbs on resources, discovery, health, and what else has a path.

    router        finds the endpoint of a request
    scope         what an endpoint serves: a resource, perhaps a subresource, in one version
    read, watch, write, patch, delete     the verbs
    selection     label and field selectors as predicates
    output, tables                        objects and lists in the form the client asked for
    apply, tracking   server-side apply; who wrote which fields
    body, conditions  what a request brings; what it wants only if it has changed
    subresources  those that are not the object itself: scale, binding, eviction
    component_status, discovery, health, openapi, version    what is stored nowhere, and what is no resource
    install       puts all of it into the router

To add a subresource: a module in `subresources` and a line in `install`'s table. Must not import the edge.
"""
