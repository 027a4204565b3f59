"""Probes are counted by what they came to, for as long as the container is probed."""

import asyncio
from typing import Any

from pynetes.component import metrics
from pynetes.kubelet.probes import measures
from pynetes.kubelet.probes.http import HTTPProber
from pynetes.kubelet.probes.prober import Prober
from tests.ports import free_port

POD = {"metadata": {"name": "p", "namespace": "n", "uid": "measured"}}


class Silent:
    def container(self, *args: Any) -> None: ...


def samples() -> list[str]:
    lines = metrics.render(measures.PROBES).decode().splitlines()
    return [line for line in lines if line.startswith(("prober_probe_total", "prober_probe_duration_seconds_count"))]


async def test_a_probe_counts_until_its_worker_ends() -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    prober = Prober(None, HTTPProber(), Silent())  # type: ignore[arg-type]
    container = {"name": "c", "livenessProbe": {"tcpSocket": {"port": port}, "timeoutSeconds": 30}}
    async with server:
        assert await prober.probe("liveness", POD, container, "1", "127.0.0.1")
    container["livenessProbe"] = {"tcpSocket": {"port": free_port()}, "timeoutSeconds": 30}
    assert await prober.probe("liveness", POD, container, "1", "127.0.0.1") is False
    labels = 'container="c",namespace="n",pod="p",pod_uid="measured",probe_type="Liveness"'
    assert sorted(line for line in samples() if labels in line) == [
        f'prober_probe_total{{{labels},result="failed"}} 1',
        f'prober_probe_total{{{labels},result="successful"}} 1',
    ]
    timed = 'prober_probe_duration_seconds_count{container="c",namespace="n",pod="p",probe_type="Liveness"} 1'
    assert timed in samples()
    measures.ended("liveness", POD, container)
    assert not any("measured" in line for line in samples())
    assert timed not in samples()
