"""What answers a request after the filters: verbs on resources, discovery, health, and what else has a path.

    router        finds the endpoint of a request
    scope         what an endpoint serves: a resource, perhaps a subresource, in one version
    read, watch, write, patch, delete     the verbs
    selection     label and field selectors as predicates
    output, tables                        objects and lists in the form the client asked for
    subresources  those that are not the object itself: scale, binding, eviction
    discovery, aggregated, health, index, openapi, version   everything that is no resource

To add a subresource: a module in `subresources` and a line in its table. Must not import the edge.
"""
