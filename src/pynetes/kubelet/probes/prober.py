"""Runs a probe of a container once, with upstream's events about what it came to."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from pynetes.component import clock
from pynetes.kubelet.cri.runtime import RuntimeService
from pynetes.kubelet.environment import expand
from pynetes.kubelet.events import PodEvents
from pynetes.kubelet.probes import exec as exec_probe
from pynetes.kubelet.probes import grpc as grpc_probe
from pynetes.kubelet.probes import measures
from pynetes.kubelet.probes import tcp as tcp_probe
from pynetes.kubelet.probes.http import HTTPProber, build_request
from pynetes.kubelet.probes.outcome import Outcome, ProbeError
from pynetes.kubelet.probes.ports import resolve_port
from pynetes.kubelet.probes.results import FIELDS, ProbeType

log = logging.getLogger(__name__)

_TRIES = 3


class Prober:
    """`max_exec` bounds how many commands run at once on the node."""

    def __init__(self, runtime: RuntimeService, http: HTTPProber, events: PodEvents, *, max_exec: int = 5) -> None:
        self._runtime, self._http, self._events = runtime, http, events
        self._exec_slots = asyncio.Semaphore(max_exec)

    async def probe(
        self,
        kind: ProbeType,
        pod: Mapping[str, Any],
        container: Mapping[str, Any],
        container_id: str,
        pod_ip: str,
    ) -> bool | None:
        """True for healthy, False for not, None when nothing could be learned."""
        began = clock.monotonic()
        healthy: bool | None = None
        title = kind.capitalize()
        try:
            outcome = await self._with_retries(container[FIELDS[kind]], container, container_id, pod_ip)
        except ProbeError as error:
            message = f"{title} probe errored and resulted in unknown state: {error}"
            self._events.container(pod, container, "Warning", "Unhealthy", message)
        else:
            healthy = outcome.result in ("success", "warning")
            if outcome.result == "warning":
                message = f"{title} probe warning: {outcome.output}"
                self._events.container(pod, container, "Warning", "ProbeWarning", message)
            elif outcome.result == "failure":
                message = f"{title} probe failed: {outcome.output}"
                self._events.container(pod, container, "Warning", "Unhealthy", message)
        measures.probed(kind, pod, container, healthy, clock.monotonic() - began)
        return healthy

    async def _with_retries(
        self, spec: Mapping[str, Any], container: Mapping[str, Any], container_id: str, pod_ip: str
    ) -> Outcome:
        """Errors of the probe itself (not of the container) are tried again at once."""
        for attempt in range(_TRIES):
            try:
                return await self._once(spec, container, container_id, pod_ip)
            except ProbeError as error:
                log.debug("probe of %s failed: %s", container["name"], error)
                if attempt == _TRIES - 1:
                    raise
        raise AssertionError

    async def _once(
        self, spec: Mapping[str, Any], container: Mapping[str, Any], container_id: str, pod_ip: str
    ) -> Outcome:
        timeout = float(spec.get("timeoutSeconds") or 1)
        if action := spec.get("exec"):
            static = {e["name"]: e.get("value") or "" for e in container.get("env") or () if not e.get("valueFrom")}
            command = [expand(part, static) for part in action.get("command") or ()]
            async with self._exec_slots:
                return await exec_probe.probe(self._runtime, container_id, command, timeout)
        if action := spec.get("httpGet"):
            return await self._http.probe(build_request(action, container, pod_ip, "probe"), timeout)
        if action := spec.get("tcpSocket"):
            host = action.get("host") or pod_ip
            return await tcp_probe.probe(host, resolve_port(action["port"], container), timeout)
        if action := spec.get("grpc"):
            return await grpc_probe.probe(pod_ip, int(action["port"]), action.get("service") or "", timeout)
        raise ProbeError(f"missing probe handler for {container['name']}")
