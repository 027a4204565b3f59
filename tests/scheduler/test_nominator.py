"""Room made by eviction is kept for the pod that it was made for."""

import random

from pynetes.scheduler.algorithm import schedule
from pynetes.scheduler.cache import Cache
from pynetes.scheduler.nominator import Nominator
from pynetes.scheduler.plugins import default_profile
from pynetes.scheduler.podinfo import PodInfo, pod_info
from pynetes.scheduler.preemption import preempt
from tests.scheduler import node, pod
from tests.scheduler.test_cache import view


def waiting(name: str, priority: int, nominated: str = "") -> PodInfo:
    made = pod(name, cpu="3", priority=priority)
    made["metadata"]["uid"] = f"uid-{name}"
    made["status"] = {"nominatedNodeName": nominated}
    return pod_info(made)


def test_a_nominated_pods_room_is_taken_for_pods_of_no_higher_priority() -> None:
    cache, nominator = Cache(), Nominator()
    cache.put_node(node("a"))
    before = view(cache.snapshot)
    nominator.put(waiting("first", 10), "a")
    expected = {5: None, 10: None, 50: "a"}
    for priority, where in expected.items():
        info = waiting("second", priority)
        ahead = nominator.ahead_of(info)
        decision = schedule(cache.snapshot, info, default_profile(), random.Random(1), ahead)
        assert decision.node == where
        assert view(cache.snapshot) == before
    decision = schedule(cache.snapshot, waiting("first", 10), default_profile(), random.Random(1), ())
    assert decision.node == "a"


def test_nobody_is_evicted_for_room_that_another_pod_will_have() -> None:
    cache, nominator = Cache(), Nominator()
    cache.put_node(node("a"))
    cache.put_pod(pod("low", on="a", cpu="1", priority=1))
    nominator.put(waiting("first", 10), "a")
    info, profile = waiting("second", 5), default_profile()
    ahead = nominator.ahead_of(info)
    decision = schedule(cache.snapshot, info, profile, random.Random(1), ahead)
    assert decision.diagnosis.message(1) == "0/1 nodes are available: 1 Insufficient cpu."
    assert preempt(cache.snapshot, info, profile, decision.diagnosis, (), ahead) is None
    assert preempt(cache.snapshot, info, profile, decision.diagnosis, ()) is not None


def test_a_nomination_outlives_versions_of_the_pod_that_do_not_tell_of_it_yet() -> None:
    nominator, other = Nominator(), waiting("other", 1)
    plain, told = waiting("p", 10), waiting("p", 10, "b")

    def node_of() -> list[str]:
        return [nominated.node for nominated in nominator.ahead_of(other)]

    nominator.update(plain, plain)
    assert node_of() == []
    nominator.put(plain, "a")
    nominator.update(plain, plain)
    assert node_of() == ["a"]
    nominator.update(plain, told)
    assert node_of() == ["b"]
    nominator.update(told, plain)
    assert node_of() == []


def test_who_is_outdone_loses_its_nomination() -> None:
    nominator = Nominator()
    nominator.put(waiting("low", 1), "a")
    nominator.put(waiting("high", 90), "a")
    nominator.put(waiting("elsewhere", 1), "b")
    assert [n.pod.key for n in nominator.outdone(waiting("p", 50), "a")] == ["default/low"]
