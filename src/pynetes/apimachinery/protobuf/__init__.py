"""`application/vnd.kubernetes.protobuf`: objects as client-go's typed clients send them.

An envelope (four magic bytes, then runtime.Unknown) around one message a kind. `fields` knows messages by number
(`fields.json`: message → JSON name → [number, type], generated from the API's .proto files; `~m.` stands for
`k8s.io.apimachinery.pkg.`, `~a.` for `k8s.io.api.`, `~x.` for `k8s.io.apiextensions_apiserver.pkg.apis.`), `decoder`
turns bytes into plain dicts with the JSON names. Defaults, pruning and type checks are the codec's, as for JSON.
"""
