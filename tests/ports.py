"""Ports of loopback that stay free for a test's own server, over its restarts too."""

import socket


def free_port() -> int:
    """A port on which nobody listens; it is given to nobody else while this process lives.

    A socket stays bound to it. Linux lets servers that set SO_REUSEADDR listen there all the same, as all of ours and
    the databases do, but takes the port neither for a bind to any port nor for an outgoing connection.
    """
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    port: int = holder.getsockname()[1]
    holder.detach()  # open until the process ends
    return port
