"""Endpoints that are not an object of their own: subresources that act on one, and kinds that are only asked.

    scale      replicas of workloads
    binding    pods onto nodes
    eviction   pods off nodes, as far as disruption budgets allow
    token      tokens of service accounts
    connect    log, exec, attach, portforward and proxy, served by `apiserver.streaming`
    reviews    who am I, may I: answered, never stored

`endpoints.install` says which endpoint serves which subresource and verb; those that need more than the registry are
handed to it by `apiserver.installing`.
"""
