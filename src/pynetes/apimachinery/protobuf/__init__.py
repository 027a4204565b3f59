"""`application/vnd.kubernetes.protobuf`: objects as client-go's typed clients send them.

An envelope (four magic bytes, then runtime.Unknown) around one message a kind. `fields` knows messages by number
(`fields.json`: message → JSON name → [number, type], and a 1 for fields that the original always writes; `~m.` stands
for `k8s.io.apimachinery.pkg.`, `~a.` for `k8s.io.api.`, `~x.` for `k8s.io.apiextensions_apiserver.pkg.apis.`),
`decoder` turns bytes into plain dicts with the JSON names, `encoder` the other way, to the original's very bytes.
Defaults, pruning and type checks are the codec's, as for JSON.
"""
