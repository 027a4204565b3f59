"""The Container Runtime Interface, as a client: what the kubelet asks of containerd (or any other CRI runtime).

`runtime.proto` holds the messages (regenerate with `make generate`), `channel` the connection and its errors,
`runtime` and `images` one method a call, `events` containerd's own event stream. Adding a call: its messages in the
.proto, one method here. Knows nothing of pods as API objects: that is `kubelet.runtime`'s.
"""
