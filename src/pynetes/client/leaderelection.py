"""Leader election on a Lease: one of several replicas works, the others wait.

Upstream's semantics: clocks of different machines are never compared; a lease is taken over when it was *seen*
unchanged for its whole duration. `next_record` decides and is pure.
"""

import asyncio
import logging
import random
import socket
import uuid
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec import Struct

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apimachinery.times import format_micro_time
from pynetes.client.events import EventRecorder
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component import clock, metrics
from pynetes.component.health import Check
from pynetes.component.tasks import Tasks

log = logging.getLogger(__name__)

_LEADS = metrics.gauge(
    "leader_election_master_status", "1 for the leader of the lease `name`, 0 for a candidate that waits", ["name"]
)
_READ_FIRST = metrics.counter(
    "leader_election_slowpath_total", "Attempts at a lease that had to read it first", ["name"]
)

#: How long after its lease has ended a leader that did not stop is told to be unhealthy.
HEALTH_TOLERANCE = 20.0

LEASES = GroupVersionResource("coordination.k8s.io", "v1", "leases")
JITTER = 1.2
#: Ending must not wait for a server that does not answer: the lease ends by itself.
RELEASE_SECONDS = 3.0

Object = dict[str, Any]


def default_identity(host: str = "") -> str:
    """Host name and a random part, as upstream names a candidate."""
    return f"{host or socket.gethostname()}_{uuid.uuid4()}"


class LeadershipLost(Exception):
    """The lease could not be renewed in time: the process must stop acting as leader at once."""


class Observation(Struct):
    """The lease's spec as last seen, and when it last changed (monotonic seconds)."""

    spec: Object
    at: float

    def is_held_by_other(self, identity: str, now: float, lease_duration: float) -> bool:
        holder = self.spec.get("holderIdentity") or ""
        duration = self.spec.get("leaseDurationSeconds") or lease_duration
        return bool(holder) and holder != identity and self.at + duration > now


def next_record(old: Object, identity: str, lease_duration: int, stamp: str) -> Object:
    """The spec with which `identity` takes or renews a lease whose spec is `old`."""
    mine = old.get("holderIdentity") == identity
    transitions = old.get("leaseTransitions") or 0
    return {
        "holderIdentity": identity,
        "leaseDurationSeconds": lease_duration,
        "acquireTime": old.get("acquireTime") if mine and old.get("acquireTime") else stamp,
        "renewTime": stamp,
        "leaseTransitions": transitions if mine or not old else transitions + 1,
    }


class LeaderElector:
    """Competes for the Lease `namespace/name` as `identity`; durations are seconds."""

    def __init__(
        self,
        client: Client,
        namespace: str,
        name: str,
        identity: str,
        lease_duration: float = 15,
        renew_deadline: float = 10,
        retry_period: float = 2,
        *,
        recorder: EventRecorder | None = None,
    ) -> None:
        if lease_duration <= renew_deadline:
            raise ValueError("leaseDuration must be greater than renewDeadline")
        if renew_deadline <= JITTER * retry_period:
            raise ValueError("renewDeadline must be greater than retryPeriod*JitterFactor")
        self._client = client
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._lease_duration = lease_duration
        self._renew_deadline = renew_deadline
        self._retry_period = retry_period
        self._recorder = recorder
        self._lease: Object | None = None
        self._fresh = False  # whether `_lease` is what we wrote last, so that it need not be read again
        self._seen: Observation | None = None

    @property
    def leader(self) -> str:
        """The identity that held the lease when it was last looked at."""
        return (self._seen.spec.get("holderIdentity") or "") if self._seen else ""

    @property
    def is_leader(self) -> bool:
        return self.leader == self._identity

    def check(self) -> Check:
        """Fails in a process that still leads long after its lease has ended: it should have died."""

        async def run() -> None:
            if self._seen is None or not self.is_leader:
                return
            if clock.monotonic() - self._seen.at > self._lease_duration + HEALTH_TOLERANCE:
                raise RuntimeError(f"failed election to renew leadership on lease {self._name}")

        return Check("leaderElection", run)

    async def run(self, on_started: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Waits for the lease, then runs `on_started` while holding it.

        Returns when `on_started` does; LeadershipLost when the lease could not be kept (`on_started` is cancelled
        first). Cancelled or finished, it gives the lease back.
        """
        _LEADS.labels(self._name).set(0)
        await self._acquire()
        _LEADS.labels(self._name).set(1)
        try:
            await self._lead(on_started)
        finally:
            _LEADS.labels(self._name).set(0)
            if self.is_leader:
                await asyncio.shield(self._release())

    async def _lead(self, on_started: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async with Tasks(f"leader of {self._name}") as tasks:
            work = tasks.start(on_started(), name="work")
            renewal = tasks.start(self._renew(), name="renew")
            await asyncio.wait((work, renewal), return_when=asyncio.FIRST_COMPLETED)
            lost = renewal.done() and not renewal.cancelled()
        if lost:
            self._note("stopped leading")
            raise LeadershipLost(f"{self._identity} lost the lease {self._namespace}/{self._name}")

    async def _acquire(self) -> None:
        while not await self._try():
            await clock.sleep(self._retry_period * (1 + JITTER * random.random()))
        log.info("%s became leader of %s/%s", self._identity, self._namespace, self._name)
        self._note("became leader")

    async def _renew(self) -> None:
        """Returns when the lease is lost."""
        while True:
            await clock.sleep(self._retry_period)
            try:
                async with asyncio.timeout(self._renew_deadline):
                    while not await self._try():
                        await clock.sleep(self._retry_period)
            except TimeoutError:
                log.error("failed to renew lease %s/%s", self._namespace, self._name)
                return

    async def _try(self) -> bool:
        """One attempt to take or renew the lease; False when another holds it or the server cannot be asked."""
        try:
            return await self._try_once()
        except (StatusError, TransportError) as error:
            self._fresh = False
            log.log(
                logging.DEBUG if isinstance(error, StatusError) and error.code == 409 else logging.WARNING,
                "lease %s/%s: %s",
                self._namespace,
                self._name,
                error,
            )
            return False

    async def _try_once(self) -> bool:
        stamp = format_micro_time(clock.now())
        if not (self._fresh and self.is_leader):
            if self.is_leader:
                _READ_FIRST.labels(self._name).inc()
            try:
                self._observe(await self._client.get(LEASES, self._name, self._namespace))
            except StatusError as error:
                if error.code != 404:
                    raise
                self._observe(await self._client.create(LEASES, self._new_lease(stamp)))
                return True
        assert self._lease is not None
        assert self._seen is not None
        if self._seen.is_held_by_other(self._identity, clock.monotonic(), self._lease_duration):
            return False
        spec = next_record(self._seen.spec, self._identity, int(self._lease_duration), stamp)
        self._observe(await self._client.update(LEASES, {**self._lease, "spec": spec}))
        return True

    def _new_lease(self, stamp: str) -> Object:
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": next_record({}, self._identity, int(self._lease_duration), stamp),
        }

    def _observe(self, lease: Object) -> None:
        spec = lease.get("spec") or {}
        if self._seen is None or self._seen.spec != spec:
            self._seen = Observation(spec, clock.monotonic())
        self._lease = lease
        self._fresh = True

    async def _release(self) -> None:
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                await self._give_back()
        except (StatusError, TransportError, TimeoutError) as error:
            log.warning("could not release lease %s/%s: %s", self._namespace, self._name, error)

    async def _give_back(self) -> None:
        """A renewal that was cancelled on its way may have been written after all: the lease is looked at again."""
        try:
            await self._write_released()
        except StatusError as error:
            if error.code != 409:
                raise
            self._observe(await self._client.get(LEASES, self._name, self._namespace))
            if self.is_leader:
                await self._write_released()

    async def _write_released(self) -> None:
        assert self._lease is not None
        assert self._seen is not None
        stamp = format_micro_time(clock.now())
        spec = {
            **self._seen.spec,
            "holderIdentity": "",
            "leaseDurationSeconds": 1,
            "acquireTime": stamp,
            "renewTime": stamp,
        }
        self._observe(await self._client.update(LEASES, {**self._lease, "spec": spec}))

    def _note(self, what: str) -> None:
        if self._recorder is not None and self._lease is not None:
            self._recorder.event(self._lease, "Normal", "LeaderElection", f"{self._identity} {what}")
