"""OpenAPI documents of what this server serves, generated from the resource table and the schema.

- `operations`: a neutral description of every operation of a resource (path, verb, parameters, body, answer);
- `parameters`: the query and path parameters they take; `schemas`: definitions in OpenAPI v3's form;
- `signature`: the hash of what a document depends on, known without writing the document;
- `v2`, `v3`: the documents; both lazy and cached by that hash, so asking again costs nothing;
- `enums`, `defaults`: what version 3 says of fields beyond the published schema; `shared`: parameters kept once in v2;
- `gnostic`, `gnostic3`: v2 and v3 as protobuf, which is what client-go reads; `wire` writes messages by tables.

`extra` holds definitions of kinds that are not built in (custom resources), by definition name, each with its
`x-kubernetes-group-version-kind`. Pure functions: nothing here knows HTTP, storage or the registry.
"""

from pynetes.apiserver.openapi import v2, v3

__all__ = ["v2", "v3"]
