"""Streams over one connection: SPDY/3.1, WebSocket channels, and taking an HTTP connection over.

What exec, attach and port-forward are made of, on both sides: the API server translates and pipes with it, the kubelet
serves with it, tests drive both. `spdy_frames` (bytes ↔ frames) and `spdy_session` (what frames mean) do no I/O;
`spdy` runs a session over a `duplex`. `channels` is the framing of `*.channel.k8s.io` WebSockets. `dial` asks a server
to switch protocols. To add a transport: an object with the three methods of `duplex.Duplex`.
"""
