#!/usr/bin/python3
"""A peer of TCP and UDP: says on which node it is and which address it sees. Runs in images with the least of Python.

peer.py serve PORT                        until SIGKILL: at SIGTERM, new connections find their way here yet
peer.py ask tcp|udp ADDRESS PORT SECONDS  prints the answer; `refused`, or `lost` if there is none in this time
"""

import os
import signal
import socket
import sys
import threading


def serve(port: int) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    tcp = socket.create_server(("0.0.0.0", port), backlog=128)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("0.0.0.0", port))
    threading.Thread(target=answer_datagrams, args=(udp,), daemon=True).start()
    while True:
        connection, peer = tcp.accept()
        with connection:
            connection.sendall(about(peer[0]))


def answer_datagrams(udp: socket.socket) -> None:
    while True:
        _, peer = udp.recvfrom(64)
        udp.sendto(about(peer[0]), peer)


def about(peer: str) -> bytes:
    return f"{os.environ.get('NODE', '')} {peer}".encode()


def ask(protocol: str, address: str, port: int, seconds: float) -> str:
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as client:
        client.settimeout(seconds)
        try:
            client.connect((address, port))
            if protocol == "udp":
                client.send(b"?")
            return client.recv(64).decode()
        except ConnectionRefusedError:
            return "refused"
        except OSError:
            return "lost"


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    else:
        print(ask(sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5])))
