"""Which pods must go, and that the snapshot is as before."""

import random
from typing import Any

from pynetes.scheduler.algorithm import schedule
from pynetes.scheduler.cache import Cache
from pynetes.scheduler.plugins import default_profile
from pynetes.scheduler.podinfo import pod_info
from pynetes.scheduler.preemption import Victims, preempt
from tests.scheduler import Object, node, pod
from tests.scheduler.test_cache import view


def run(nodes: list[Object], waiting: Object, running: list[Object], budgets: Any = ()) -> tuple[Victims | None, str]:
    cache = Cache()
    for one in nodes:
        cache.put_node(one)
    for one in running:
        cache.put_pod(one)
    before = view(cache.snapshot)
    info, profile = pod_info(waiting), default_profile()
    decision = schedule(cache.snapshot, info, profile, random.Random(1))
    assert decision.node is None
    victims = preempt(cache.snapshot, info, profile, decision.diagnosis, budgets)
    assert view(cache.snapshot) == before
    return victims, decision.diagnosis.message(len(nodes))


def names(victims: Victims | None) -> list[str]:
    assert victims is not None
    return [victim.key.split("/")[1] for victim in victims.pods]


def test_the_fewest_and_least_important_go() -> None:
    running = [
        pod("low", on="a", cpu="2", priority=1),
        pod("mid", on="a", cpu="1", priority=5),
        pod("high", on="a", cpu="1", priority=100),
    ]
    victims, _ = run([node("a")], pod(cpu="2", priority=50), running)
    assert names(victims) == ["low"]


def test_the_node_with_the_least_important_victims_is_chosen() -> None:
    running = [pod("mid", on="a", cpu="4", priority=5), pod("low", on="b", cpu="4", priority=1)]
    victims, _ = run([node("a"), node("b")], pod(cpu="1", priority=50), running)
    assert victims is not None
    assert (victims.node, names(victims)) == ("b", ["low"])


def test_a_disruption_budget_is_broken_last() -> None:
    guarded = pod("guarded", on="a", cpu="2", priority=1, labels={"app": "db"})
    budget = {
        "metadata": {"namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": "db"}}},
        "status": {"disruptionsAllowed": 0},
    }
    victims, _ = run(
        [node("a")], pod(cpu="2", priority=50), [guarded, pod("free", on="a", cpu="2", priority=1)], [budget]
    )
    assert names(victims) == ["free"]


def test_the_message_says_where_eviction_would_not_help() -> None:
    tainted = node("t", taints=[{"key": "k", "effect": "NoSchedule"}])
    victims, message = run([node("a"), tainted], pod(cpu="3", priority=1), [pod(on="a", cpu="2", priority=1)])
    assert victims is None
    assert message.endswith(
        "no new claims to deallocate, preemption: 0/2 nodes are available: "
        "1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling."
    )


def test_a_pod_that_never_preempts_does_not() -> None:
    waiting = pod(cpu="3", priority=9, preemptionPolicy="Never")
    victims, message = run([node("a")], waiting, [pod(on="a", cpu="2", priority=1)])
    assert victims is None
    assert message.endswith("preemption: not eligible due to preemptionPolicy=Never.")
