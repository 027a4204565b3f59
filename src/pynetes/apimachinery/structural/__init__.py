"""Structural schemas: what a CustomResourceDefinition says about its objects, as rules that run.

A schema is a plain dict, a `JSONSchemaProps` as it stands in the definition. Each module is one thing that is done with
it; what is done to every object is compiled once into closures, what explains a refusal walks the schema.

- `nodes`: reading a schema: its types, properties, items, known formats;
- `structure`: whether a schema is structural at all;
- `coercion`: pruning unknown fields, dropping nulls, filling in defaults, in one pass; `unknown` names what is dropped;
- `embedded`, `objectmeta`: resources within resources: their type and metadata;
- `validity`: whether a value satisfies its schema, compiled; `explanation`: why it does not, in upstream's words;
- `formats`, `patterns`, `numbers`: texts with a form, and numbers as Go sees them;
- `rules`, `evaluation`: validation rules (CEL): compiled and costed for each node of a schema, run within a budget;
- `correlation`: which old value a new one stands for; what has not changed is not refused (ratcheting);
- `listtypes`: keys of map lists and elements of set lists that occur twice;
- `fieldpath`: paths of fields in definitions (`.spec.replicas`), looked up in the schema;
- `objectschema`: all of it for one version of a kind.

Nothing here knows a request, a store or a definition's other fields.
"""
