"""What a server puts into a new cluster, and keeps there: system namespaces, default roles, its own Service.

One module a concern, each with functions that take a client; `hooks` runs them once the server listens and tells
`/readyz` when they are done. To add one: a module and a line in `hooks`.
"""
