"""The built-in kinds: one package per API group.

A group package holds, per kind, its `Strategy` (defaults, validation, what an update may change), its table columns
(`columns.py` or `<kind>_columns.py`) and, in `resources.py`, one `Resource` entry: scope, names, verbs, subresources.
`registry.py` puts the groups together, `names.py` holds the constants that components use to name resources.

To add a kind: write its strategy in a file of its own, add its columns, add one entry to the group's `RESOURCES`. To
add a group: a package with `resources.py`, and one line in `registry.py`.

All of it works on plain dicts in the served version and does no I/O. It may import `component` and `apimachinery` only.
"""
