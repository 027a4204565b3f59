"""Custom resources: a CustomResourceDefinition makes resources like any other, over the same registry and endpoints.

    definitions     reading a definition
    resource        the `Resource` of each of its versions
    strategy, columns, conversion, form     what such a resource differs in: rules, tables, versions, how it is stored
    serving         puts resources into the registry, the router, discovery and OpenAPI, and takes them out again
    naming, conditions      what a definition's status must say, as pure decisions
    controller      writes it
    instances       deletes the objects of a definition that is being deleted

Every API server of a shared store serves each definition as soon as it sees it; what writes status is compare-and-swap,
so that any number of servers may try.
"""
