"""Admission: what may still change or refuse a write after it was authorized.

One file a plugin, named like upstream's; `attributes` is what a plugin sees, `chain` their order and which are on,
`configuration` what they are configured with (`--admission-control-config-file`). To add one: a module with a `Plugin`
subclass and one line in `chain`. Must not import the edge or the endpoints.
"""
