"""When a container is probed."""

import asyncio
from typing import Any

from pynetes.component import clock
from pynetes.kubelet.probes.prober import Prober
from pynetes.kubelet.probes.results import Results
from pynetes.kubelet.probes.worker import ProbeWorker, Surroundings

CONTAINER = {"name": "c", "readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 3600}}
POD = {"metadata": {"name": "p", "namespace": "n", "uid": "u"}, "spec": {"containers": [CONTAINER]}}
RUNNING = {"name": "c", "containerID": "containerd://1", "started": True, "state": {"running": {}}}


class Scripted(Prober):
    """Fails once, during which the pod's status changes; then succeeds."""

    def __init__(self) -> None:
        self.worker: ProbeWorker | None = None
        self.probes = 0

    async def probe(self, *args: Any) -> bool:
        self.probes += 1
        assert self.worker is not None
        if self.probes == 1:
            self.worker.trigger()
            return False
        return True


async def test_a_change_during_a_probe_leads_to_another_at_once() -> None:
    ready = asyncio.Event()
    prober = Scripted()
    results = Results(on_change=lambda uid, container, result: ready.set() if result == "success" else None)
    status = {"phase": "Running", "containerStatuses": [RUNNING]}
    around = Surroundings(lambda uid: POD, lambda uid: status, clock.time_seconds())
    worker = prober.worker = ProbeWorker("readiness", POD, CONTAINER, prober, results, around)
    task = asyncio.ensure_future(worker.run())
    try:
        async with asyncio.timeout(30):
            await ready.wait()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert prober.probes == 2
