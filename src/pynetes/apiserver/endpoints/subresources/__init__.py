"""Endpoints that are not an object of their own: subresources that act on one, and kinds that are only asked.

    scale      replicas of workloads
    binding    pods onto nodes
    eviction   pods off nodes, as far as disruption budgets allow
    token      tokens of service accounts
    reviews    who am I, may I: answered, never stored

`table` says which endpoint serves which subresource and verb.
"""
