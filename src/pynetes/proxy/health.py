"""Whether the proxy keeps up: what it was told is in the kernel within a minute. Load balancers ask for this.

Answers are kube-proxy's: `/healthz` also says whether the node may go on receiving traffic, `/livez` does not.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pynetes.component import clock
from pynetes.component.serving import Answer, Request
from pynetes.proxy import metrics

_FAMILY = "IPv4"
_JSON = "application/json"
_HEADERS = {"X-Content-Type-Options": "nosniff"}

#: A change that waits longer than this is a sign that the proxy hangs: twice kube-proxy's sync period.
TIMEOUT = 60.0


class ProxyHealth:
    """`node_eligible` says whether the node is there and not about to go."""

    def __init__(self, node_eligible: Callable[[], bool]) -> None:
        self._node_eligible = node_eligible
        self._waiting_since: float | None = None
        self._updated = clock.time_seconds()

    def queued(self) -> None:
        """A change has arrived that is not in force yet."""
        if self._waiting_since is None:
            self._waiting_since = clock.monotonic()

    def updated(self) -> None:
        """All is in force."""
        self._waiting_since = None
        self._updated = clock.time_seconds()

    @property
    def healthy(self) -> bool:
        return self._waiting_since is None or clock.monotonic() - self._waiting_since < TIMEOUT

    async def healthz(self, request: Request) -> Answer:
        eligible = self._node_eligible()
        return self._answer(self.healthy and eligible, {"nodeEligible": eligible}, metrics.healthz_answered)

    async def livez(self, request: Request) -> Answer:
        return self._answer(self.healthy, {}, metrics.livez_answered)

    def _answer(self, healthy: bool, more: dict[str, Any], counter: Callable[[str], None]) -> Answer:
        status = 200 if healthy else 503
        counter(str(status))
        updated, now = _time(self._updated), _time(clock.time_seconds())
        body = {
            "lastUpdated": now if healthy else updated,
            "currentTime": now,
            **more,
            "Healthy": self.healthy,  # its name in JSON is none of ours
            "status": {_FAMILY: {"lastUpdated": updated, "healthy": self.healthy}},
        }
        return Answer(json.dumps(body, separators=(",", ":")).encode(), status, _JSON, _HEADERS)


def _time(seconds: float) -> str:
    """As Go writes it: no zeros at the end of the fraction."""
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return text.rstrip("0").rstrip(".") + "Z"


def service_answer(service: str, endpoints: int, *, healthy: bool) -> Answer:
    """What a Service's health check port says: whether this node has endpoints of it, and how many."""
    namespace, name = service.split("/", 1)
    body = (
        "{\n"
        '\t"service": {\n'
        f'\t\t"namespace": {json.dumps(namespace)},\n'
        f'\t\t"name": {json.dumps(name)}\n'
        "\t},\n"
        f'\t"localEndpoints": {endpoints},\n'
        f'\t"serviceProxyHealthy": {"true" if healthy else "false"}\n'
        "}"
    )
    headers = {**_HEADERS, "X-Load-Balancing-Endpoint-Weight": str(endpoints)}
    return Answer(body.encode(), 200 if endpoints and healthy else 503, _JSON, headers)
