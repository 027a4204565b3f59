"""The three ways to change an object by a patch: RFC 6902, RFC 7386 and Kubernetes' strategic merge.

Each module has `apply(document, patch…)`, which never changes its arguments, and reads nothing but the schema.
`body` parses what a client sent. Server-side apply is no patch of this kind: see `apimachinery.managedfields`.
"""
