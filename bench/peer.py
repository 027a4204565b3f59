"""The two ends of a network measurement, each a process of its own in its network namespace.

python -m bench.peer serve ADDRESS                       sinks streams, echoes the rest
python -m bench.peer stream|pingpong|connect ADDRESS PORT SECONDS     prints what it measured, as JSON
"""

import json
import socket
import sys
import threading
import time

STREAM_PORT, ECHO_PORT = 5001, 5002
_CHUNK = 1 << 18


def serve(address: str) -> None:
    """Until killed; says `ready` when it listens."""
    sink, echo = (socket.create_server((address, port), backlog=128) for port in (STREAM_PORT, ECHO_PORT))
    threading.Thread(target=_sink, args=(sink,), daemon=True).start()
    print("ready", flush=True)
    while True:
        connection, _ = echo.accept()
        _echo(connection)


def _sink(server: socket.socket) -> None:
    while True:
        connection, _ = server.accept()
        _swallow(connection)


def _swallow(connection: socket.socket) -> None:
    buffer = bytearray(_CHUNK)
    with connection:
        while connection.recv_into(buffer):
            pass


def _echo(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection:
        while data := connection.recv(64):
            connection.sendall(data)


def stream(address: str, port: int, seconds: float) -> list[float]:
    """Bytes a second through one connection."""
    chunk = bytes(_CHUNK)
    with socket.create_connection((address, port)) as connection:
        connection.sendall(chunk)
        began, sent = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            connection.sendall(chunk)
            sent += _CHUNK
        return [sent / (time.perf_counter() - began)]


def pingpong(address: str, port: int, seconds: float) -> list[float]:
    """Seconds of each round trip of one byte, on one connection."""
    times = []
    with socket.create_connection((address, port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end = time.perf_counter() + seconds
        while (began := time.perf_counter()) < end:
            connection.sendall(b"?")
            connection.recv(64)
            times.append(time.perf_counter() - began)
    return times


def connect(address: str, port: int, seconds: float) -> list[float]:
    """Seconds of each connection: set up, one round trip, closed."""
    times = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        with socket.create_connection((address, port)) as connection:
            connection.sendall(b"?")
            connection.recv(64)
        times.append(time.perf_counter() - began)
    return times


def main() -> None:
    what, address, *rest = sys.argv[1:]
    if what == "serve":
        serve(address)
    measure = {"stream": stream, "pingpong": pingpong, "connect": connect}[what]
    print(json.dumps(measure(address, int(rest[0]), float(rest[1]))))


if __name__ == "__main__":
    main()
