"""A pod that serves TCP, UDP and SCTP on one port, and clients that ask it once."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from pynetes.testing.netns import NetworkNamespace
from tests.proxy import sctp

PORT = 80


class Pod:
    """Answers with its name and the client's address."""

    def __init__(self, host: NetworkNamespace, address: str, *, name: str = "pod") -> None:
        self.host, self.address, self.name = host, address, name
        self._stop = threading.Event()
        self._tcp = self._bound(socket.SOCK_STREAM)
        self._udp = self._bound(socket.SOCK_DGRAM)
        self._sctp = host.call(sctp.Server, address, PORT, self._answer)
        self._threads = [
            threading.Thread(target=serve) for serve in (self._serve_tcp, self._serve_udp, self._sctp.serve)
        ]
        for thread in self._threads:
            thread.start()

    def _answer(self, peer: str) -> str:
        return f"{self.name} {peer}"

    def _bound(self, kind: socket.SocketKind) -> socket.socket:
        made = self.host.call(socket.socket, socket.AF_INET, kind)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((self.address, PORT))
        made.settimeout(0.2)
        return made

    def _serve_tcp(self) -> None:
        self._tcp.listen(64)
        while not self._stop.is_set():
            with suppress(OSError):
                connection, (peer, _) = self._tcp.accept()
                with connection:
                    connection.sendall(self._answer(peer).encode())

    def _serve_udp(self) -> None:
        while not self._stop.is_set():
            with suppress(OSError):
                _, peer = self._udp.recvfrom(64)
                self._udp.sendto(self._answer(peer[0]).encode(), peer)

    def close(self) -> None:
        self._stop.set()
        for server in (self._tcp, self._udp, self._sctp):
            server.close()
        for thread in self._threads:
            thread.join()


def ask_tcp(address: str, port: int, timeout: float, patience: float = 60.0) -> str:
    """`timeout` is the kernels', who connect; the pod that was reached may take its time."""
    with socket.create_connection((address, port), timeout=timeout) as connection:
        connection.settimeout(patience)
        return connection.recv(64).decode()


def ask_udp(address: str, port: int, timeout: float) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(timeout)
        client.connect((address, port))
        with suppress(
            PermissionError
        ):  # what is stopped on this very host is told so; whether it is refused comes next
            client.send(b"?")
        return client.recv(64).decode()


ASK: dict[str, Callable[[str, int, float], str]] = {"TCP": ask_tcp, "UDP": ask_udp, "SCTP": sctp.ask}
