import pytest
from controller_objects import node, pod

from pynetes.controllers.podgc import OUT_OF_SERVICE, choose

EVICTED = pod("evicted", phase="Failed", age=1)
EVICTED["status"]["reason"] = "Evicted"
OUT = node("out", Ready="Unknown")
OUT["spec"]["taints"] = [{"key": OUT_OF_SERVICE, "effect": "NoExecute"}]
BACK = node("back", Ready="True")
BACK["spec"]["taints"] = OUT["spec"]["taints"]


@pytest.mark.parametrize(
    ("pods", "gone", "threshold", "expected"),
    [
        ([pod("a", phase="Failed"), pod("b", phase="Succeeded")], (), 2, []),
        ([pod("new", phase="Failed", age=1), pod("old", phase="Succeeded", age=9)], (), 1, ["old"]),
        ([EVICTED, pod("old", phase="Succeeded", age=9)], (), 1, ["evicted"]),
        ([pod("a", phase="Failed")], (), 0, []),
        ([pod("a", node="n9"), pod("b")], {"n9"}, 100, ["a"]),
        ([pod("a", node="", deleting=True), pod("b", node=""), pod("c", deleting=True)], (), 100, ["a"]),
        ([pod("a", node="out", deleting=True), pod("b", node="out")], (), 100, ["a"]),
        ([pod("a", node="back", deleting=True)], (), 100, []),
    ],
)
def test_which_pods_nobody_else_deletes(pods, gone, threshold, expected):
    nodes = {"n1": node("n1", Ready="True"), "out": OUT, "back": BACK}
    found = choose(pods, nodes, set(gone), threshold)
    assert [d.pod["metadata"]["name"] for d in found] == expected
    assert all(d.orphaned == (d.pod["spec"].get("nodeName") in gone) for d in found)
