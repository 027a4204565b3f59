"""Upstream's default roles and bindings, and how a starting API server brings the cluster to them.

`cluster_roles`, `controller_roles` and `namespace_roles` are tables (facts of 1.36); `policy` makes objects of them;
`reconcile` says what to create or change. To add a role: a line in a table.
"""
