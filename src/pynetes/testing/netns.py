"""Hosts for network tests: a network namespace that lives as long as its object, and links between them.

    with NetworkNamespace("node") as node, NetworkNamespace("pod") as pod:
        connect(node, "10.0.0.1/24", pod, "10.0.0.2/24")
        pod.run("ping -c1 10.0.0.1")
        server = node.call(socket.create_server, ("10.0.0.1", 80))

A namespace belongs to threads of its own: what `call` runs there, and every socket and process it makes, is inside.
Nothing is mounted or named, so nothing is left behind. Needs root.
"""

import ctypes
import itertools
import os
import shlex
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_CLONE_NEWNET = 0x40000000
_THREADS = 8
_numbers, _namespaces = itertools.count(1), itertools.count(1)
_libc = ctypes.CDLL(None, use_errno=True)


def _make() -> str:
    """Moves the calling thread into a new network namespace and returns a path to it."""
    _check(_libc.unshare(_CLONE_NEWNET))
    return f"/proc/{os.getpid()}/task/{threading.get_native_id()}/ns/net"


def _enter(path: str) -> None:
    with open(path, "rb") as namespace:
        _check(_libc.setns(namespace.fileno(), _CLONE_NEWNET))


def _check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), f"no network namespace: {os.strerror(ctypes.get_errno())}")


class NetworkNamespace:
    """One host: loopback up, nothing else. With `of_process` that of another process, as it is: one to look into."""

    def __init__(self, name: str = "host", *, of_process: int | None = None) -> None:
        self.name = name
        self.number = next(_namespaces)
        self._owner = ThreadPoolExecutor(1, thread_name_prefix=f"netns-{name}")
        self._processes: list[subprocess.Popen[bytes]] = []
        self.path = self._owner.submit(_make).result() if of_process is None else f"/proc/{of_process}/ns/net"
        self._threads = ThreadPoolExecutor(_THREADS, f"netns-{name}", initializer=_enter, initargs=(self.path,))
        if of_process is None:
            self.run("ip link set lo up")

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs `function` inside, blocking."""
        return self._threads.submit(function, *args, **kwargs).result()

    def run(self, command: str, *, check: bool = True, **options: Any) -> "subprocess.CompletedProcess[str]":
        """Runs a command inside, without a shell; its output in the error when it fails."""
        words = ["nsenter", f"--net={self.path}", *shlex.split(command)]
        done = subprocess.run(words, capture_output=True, text=True, check=False, **options)
        if check and done.returncode:
            raise AssertionError(f"{self.name}: {command}: {done.stderr or done.stdout}")
        return done

    def start(self, *command: str, **options: Any) -> "subprocess.Popen[bytes]":
        """Starts a process inside that ends with the namespace."""
        process = self.call(lambda: subprocess.Popen[bytes](command, **options))
        self._processes.append(process)
        return process

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
        self._threads.shutdown()
        self._owner.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def connect(one: NetworkNamespace, one_address: str, other: NetworkNamespace, other_address: str) -> tuple[str, str]:
    """A veth pair with an address (`10.0.0.1/24`; empty for none) at each end. Returns the interfaces' names."""
    number = next(_numbers)
    here, there = f"v{number}a", f"v{number}b"
    pid = other.path.split("/")[4]  # the thread's id names its namespace
    one.run(f"ip link add {here} type veth peer name {there} netns {pid}")
    for host, interface, address in ((one, here, one_address), (other, there, other_address)):
        if address:
            host.run(f"ip addr add {address} dev {interface}")
        host.run(f"ip link set {interface} up")
    return here, there
