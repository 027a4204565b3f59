"""Sockets, TLS and HTTP/1.1: aiohttp's low-level server, with answers written straight to the transport.

`connection` is one client's connection, `reply` turns answers into bytes on it, `mending` reads unusual requests,
`malformed` answers what is no HTTP, `compression` shrinks large answers, `tls` is which certificates are shown and
believed, `serving` listens and shuts down. Nothing here knows what a request means; everything behind takes and gives
the types of `apiserver.http`.
"""
