"""What every part knows about objects: names, metadata, selectors, quantities, times, schema, codecs and patches.

An object is a plain dict with the wire's keys. Modules here are pure (no files but the schema's):

- `gvk`, `meta`, `names`, `times`, `quantity`, `selectors`: the words objects are made of;
- `validation`: rules for metadata, labels and selectors that all kinds share;
- `schema`: the definitions of all built-in kinds; `codec`: bytes to pruned, type-checked dicts and back;
- `patch`: JSON patch, merge patch, strategic merge; `managedfields`: server-side apply; `errors`: Status errors;
- `structural`: schemas of custom resources; `cel`: the expressions in them and in admission policies;
- `json_text`, `json_writer`, `yaml_text`, `yaml_writer`, `protobuf`: forms on the wire; `depth`: how deep they nest;
- `jsonpath`, `versions`, `quoting`, `tls_errors`: what clients show, in upstream's order and words;
- `streaming`: SPDY and WebSocket channels. Its `dial` is the one module here that opens connections.

To add a rule for one kind, go to `pynetes.apis`. This package imports `pynetes.component` only.
"""
