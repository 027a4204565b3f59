"""What every part knows about objects: names, metadata, selectors, quantities, times, schema, codecs and patches.

An object is a plain dict with the wire's keys. Modules here are pure (no sockets, no files but the schema's):

- `gvk`, `meta`, `names`, `times`, `quantity`, `selectors`: the words objects are made of;
- `validation`: rules for metadata, labels and selectors that all kinds share;
- `schema`: the definitions of all built-in kinds; `codec`: bytes to pruned, type-checked dicts and back;
- `patch`: JSON patch, merge patch, strategic merge; `errors`: Status errors.

To add a rule for one kind, go to `pynetes.apis`. This package imports `pynetes.component` only.
"""
