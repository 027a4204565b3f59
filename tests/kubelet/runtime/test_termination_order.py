import asyncio

from pynetes.kubelet.runtime.termination_order import TerminationOrder, prerequisites

SIDECARS = [{"name": n, "restartPolicy": "Always"} for n in ("s1", "s2")]
POD = {"spec": {"containers": [{"name": "a"}, {"name": "b"}], "initContainers": [{"name": "i"}, *SIDECARS]}}


def test_sidecars_wait_for_all_others_and_for_those_after_them():
    assert prerequisites(POD, ["a", "b", "s1", "s2"]) == {"s2": ["a", "b"], "s1": ["a", "b", "s2"]}


def test_nobody_waits_for_what_does_not_run():
    assert prerequisites(POD, ["a", "s1"]) == {"s2": ["a"], "s1": ["a"]}


async def test_turns_come_as_the_others_end():
    order, ended = TerminationOrder(POD, ["a", "s1", "s2"]), []

    async def end(name):
        await order.wait_for_turn(name, 5)
        ended.append(name)
        order.terminated(name)

    await asyncio.gather(end("s1"), end("s2"), end("a"))
    assert ended == ["a", "s2", "s1"]


async def test_the_grace_period_ends_all_waiting():
    order = TerminationOrder(POD, ["a", "s1", "s2"])
    assert await order.wait_for_turn("s1", 0.01) >= 0.01
