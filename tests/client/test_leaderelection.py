import asyncio

import orjson
import pytest

from pynetes.apimachinery.errors import already_exists, conflict, not_found
from pynetes.client.leaderelection import LeaderElector, LeadershipLost, Observation, next_record
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError, TransportResponse


class LeaseServer:
    """One lease with compare-and-swap."""

    def __init__(self):
        self.lease = None
        self.version = 0
        self.down = False

    async def request(self, request, *, timeout=None):
        if self.down:
            raise TransportError("down")
        if request.method == "GET":
            return self._answer(self.lease, not_found("leases", "x"))
        sent = orjson.loads(request.body)
        if request.method == "POST":
            if self.lease is not None:
                return self._answer(None, already_exists("leases", "x"))
        elif sent["metadata"]["resourceVersion"] != str(self.version):
            return self._answer(None, conflict("leases", "x"))
        self.version += 1
        sent["metadata"]["resourceVersion"] = str(self.version)
        self.lease = sent
        return self._answer(sent, None)

    @staticmethod
    def _answer(obj, error):
        if obj is None:
            return TransportResponse(error.code, {}, orjson.dumps(error.status()))
        return TransportResponse(200, {}, orjson.dumps(obj))


def elector(server, identity, **kwargs):
    return LeaderElector(Client(server), "kube-system", "x", identity, **kwargs)


def now():
    return asyncio.get_running_loop().time()


def test_one_leads_and_the_next_takes_over_at_once_when_the_lease_is_given_back(virtual):
    async def scenario():
        server, log = LeaseServer(), []

        async def work(name, seconds):
            log.append((name, "start", round(now())))
            await asyncio.sleep(seconds)
            log.append((name, "end", round(now())))

        async with asyncio.TaskGroup() as group:
            group.create_task(elector(server, "a").run(lambda: work("a", 60)))
            await asyncio.sleep(1)
            group.create_task(elector(server, "b").run(lambda: work("b", 1)))
        return log, server.lease["spec"]

    log, spec = virtual(scenario())
    assert [entry[:2] for entry in log] == [("a", "start"), ("a", "end"), ("b", "start"), ("b", "end")]
    assert log[2][2] - 60 <= 6
    assert spec["leaseTransitions"] == 1
    assert spec["holderIdentity"] == ""


def test_a_dead_leader_is_replaced_after_its_lease(virtual):
    async def scenario():
        server = LeaseServer()
        server.version = 1
        spec = next_record({}, "dead", 15, "2024-01-01T00:00:00.000000Z")
        server.lease = {"metadata": {"name": "x", "namespace": "kube-system", "resourceVersion": "1"}, "spec": spec}
        at = []

        async def work():
            at.append(now())

        await elector(server, "b").run(work)
        return at[0]

    assert 15 <= virtual(scenario()) <= 20


def test_a_leader_that_cannot_renew_stops_before_another_may_start(virtual):
    async def scenario():
        server, log = LeaseServer(), []

        async def work():
            try:
                await asyncio.sleep(1000)
            finally:
                log.append(now())

        asyncio.get_running_loop().call_later(5, setattr, server, "down", True)
        with pytest.raises(LeadershipLost):
            await elector(server, "a").run(work)
        return log[0]

    assert 5 < virtual(scenario()) < 5 + 15


def test_cancelling_gives_the_lease_back(virtual):
    async def scenario():
        server = LeaseServer()
        started = asyncio.Event()

        async def work():
            started.set()
            await asyncio.sleep(1000)

        async with asyncio.TaskGroup() as group:
            task = group.create_task(elector(server, "a").run(work))
            await started.wait()
            task.cancel()
        return server.lease["spec"]

    spec = virtual(scenario())
    assert (spec["holderIdentity"], spec["leaseDurationSeconds"]) == ("", 1)


@pytest.mark.parametrize("holder", ["a", "other"])
def test_a_lease_that_changed_unseen_is_given_back_if_it_is_still_held(virtual, holder):
    """As after a renewal that was cancelled when the server had it already."""

    async def scenario():
        server = LeaseServer()
        started = asyncio.Event()

        async def work():
            started.set()
            await asyncio.sleep(1000)

        async with asyncio.TaskGroup() as group:
            task = group.create_task(elector(server, "a").run(work))
            await started.wait()
            server.version += 1
            server.lease = {**server.lease, "spec": {**server.lease["spec"], "holderIdentity": holder}}
            server.lease["metadata"]["resourceVersion"] = str(server.version)
            task.cancel()
        return server.lease["spec"]["holderIdentity"]

    assert virtual(scenario()) == ("" if holder == "a" else "other")


@pytest.mark.parametrize(
    ("spec", "seen_at", "held"),
    [
        ({"holderIdentity": "other", "leaseDurationSeconds": 15}, 90, True),
        ({"holderIdentity": "other", "leaseDurationSeconds": 15}, 85, False),
        ({"holderIdentity": "other"}, 90, True),
        ({"holderIdentity": "me", "leaseDurationSeconds": 15}, 99, False),
        ({"holderIdentity": "", "leaseDurationSeconds": 15}, 99, False),
    ],
)
def test_when_a_lease_is_held_by_another(spec, seen_at, held):
    assert Observation(spec, seen_at).is_held_by_other("me", 100, 15) is held


def test_taking_over_counts_a_transition_and_renewing_does_not():
    first = next_record({}, "a", 15, "t1")
    assert (first["leaseTransitions"], first["acquireTime"]) == (0, "t1")
    renewed = next_record(first, "a", 15, "t2")
    assert (renewed["leaseTransitions"], renewed["acquireTime"], renewed["renewTime"]) == (0, "t1", "t2")
    taken = next_record(renewed, "b", 15, "t3")
    assert (taken["leaseTransitions"], taken["acquireTime"], taken["holderIdentity"]) == (1, "t3", "b")


@pytest.mark.parametrize("durations", [{"lease_duration": 10}, {"renew_deadline": 2}])
def test_durations_that_cannot_work_are_refused(durations):
    with pytest.raises(ValueError, match="must be greater"):
        elector(LeaseServer(), "a", **durations)
