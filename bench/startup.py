"""From `pynetes up` on an empty disk to `/readyz`, to node Ready, to an answer of the guestbook.

Pynetes is compiled before, as an installed package is. Seen from outside, by polls every 20 ms. The guestbook is
applied with kubectl as soon as the node is ready; its images are pulled from a registry on the same machine. Anchors
in the same run: the same Python importing the libraries that no process can do without, and the original API server
on etcd to `/readyz`, if there is one.

A cluster inside a test (`pynetes.testing.cluster`) is measured from the start of a Python that has imported nothing to
where the test's own lines begin.
"""

import asyncio
import compileall
import os
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

import pynetes
from bench import images, machine, servers
from bench.frame import Options, Table, median, progress
from pynetes.cli import readiness
from pynetes.client import kubeconfig
from pynetes.client.rest import Client

_POLL = 0.02
_PORTS = {"api": 6443, "frontend": 30080}
_IMPORTS = "import aiohttp, click, cryptography.x509, grpc.aio, msgspec, numpy, orjson, pyroute2, uvloop, yaml"
_IN_A_TEST = """
import sys, time
from pynetes.testing import cluster
for _ in range(2):
    began = time.monotonic()
    with cluster.started(controllers=bool(int(sys.argv[1]))):
        print(time.monotonic(), time.monotonic() - began)
"""
READYZ, NODE, UP, GUESTBOOK = "/readyz", "node Ready", "`pynetes up` has ended", "the guestbook answers"
IMPORT, ORIGINAL = "anchor: Python imports the libraries", "anchor: the original API server and etcd, /readyz"
CLUSTER, ALONE = "a cluster", "the API server alone (`controllers=False`)"
ANOTHER = "another cluster in the same process"


def run(options: Options) -> list[Table]:
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.directory) as place:
        storage = images.guestbook(options, Path(place))
        compileall.compile_dir(Path(pynetes.__file__).parent, quiet=1)
        for number in range(options.rounds):
            progress(f"startup: round {number + 1} of {options.rounds}")
            _anchors(options, times)
            _in_a_test(times)
            with machine.cluster(options, images=storage) as cluster:
                cluster.host.call(_once, cluster, times)
    return [
        _table("Seconds after `pynetes up`", times, (READYZ, NODE, UP, GUESTBOOK, IMPORT, ORIGINAL)),
        _table("Seconds inside a test, from `python` on", times, (CLUSTER, ALONE, ANOTHER, IMPORT, ORIGINAL)),
    ]


def _table(title: str, times: dict[str, list[float]], names: Sequence[str]) -> Table:
    table = Table(title, ["until", "median", "fastest", "slowest"])
    for name in names:
        if found := times.get(name):
            table.rows.append([name, *(f"{value:.2f}" for value in (median(found), min(found), max(found)))])
    return table


def _in_a_test(times: dict[str, list[float]]) -> None:
    for name, controllers in ((CLUSTER, "1"), (ALONE, "0")):
        began = time.monotonic()
        told = subprocess.run(
            [sys.executable, "-c", _IN_A_TEST, controllers], check=True, capture_output=True, text=True
        ).stdout.split()
        times.setdefault(name, []).append(float(told[0]) - began)
        if name == CLUSTER:
            times.setdefault(ANOTHER, []).append(float(told[3]))


def _anchors(options: Options, times: dict[str, list[float]]) -> None:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", _IMPORTS], check=True)
    times.setdefault(IMPORT, []).append(time.monotonic() - began)
    if os.environ.get(servers.ORIGINAL):
        times.setdefault(ORIGINAL, []).append(asyncio.run(_original(options)))


async def _original(options: Options) -> float:
    with tempfile.TemporaryDirectory(dir=options.directory) as place:
        began = time.monotonic()
        async with servers.original(Path(place)):
            return time.monotonic() - began


def _once(cluster: machine.Cluster, times: dict[str, list[float]]) -> None:
    """In the machine's thread, so that every connection is made there."""

    def note(name: str) -> None:
        times.setdefault(name, []).append(time.monotonic() - cluster.started)

    cluster.start()
    _wait(_readyz, cluster)
    note(READYZ)
    asyncio.run(_node_ready(cluster))
    note(NODE)
    command = ["kubectl", f"--kubeconfig={cluster.kubeconfig}", "apply", "-f", str(images.EXAMPLE)]
    applied = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    cluster.wait()
    note(UP)
    if applied.wait():
        raise RuntimeError("kubectl apply has failed")
    _wait(_guestbook, cluster)
    note(GUESTBOOK)


def _wait(check: Callable[[], bool], cluster: machine.Cluster, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        cluster.check()
        if time.monotonic() > deadline:
            raise RuntimeError(f"{check.__name__}: not within {seconds:g} s")
        time.sleep(_POLL)


def _readyz() -> bool:
    unverified = ssl._create_unverified_context()
    try:
        url = f"https://{machine.ADDRESS}:{_PORTS['api']}/readyz"
        with urllib.request.urlopen(url, timeout=5, context=unverified) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _guestbook() -> bool:
    try:
        url = f"http://{machine.ADDRESS}:{_PORTS['frontend']}/entries"
        with urllib.request.urlopen(url, data=b"text=hello", timeout=5) as answer:
            return bool(answer.status < 300)
    except (urllib.error.URLError, OSError):
        return False


async def _node_ready(cluster: machine.Cluster) -> None:
    name = machine.node_name()
    client: Client = kubeconfig.client_from_kubeconfig(cluster.kubeconfig, "bench")
    try:
        async with asyncio.timeout(120):
            while await readiness.node_is_ready(client, name):
                cluster.check()
                await asyncio.sleep(_POLL)
    finally:
        await client.close()
