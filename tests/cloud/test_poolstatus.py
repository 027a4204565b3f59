"""What is in force of AddressPools, and what their status says, by table."""

from typing import Any

import pytest

from pynetes.cloud.providers.local import poolstatus
from pynetes.cloud.providers.local.addresspool import manifest, pool_of

Object = dict[str, Any]


def pool(name: str, *addresses: str, created: str = "1", deleting: bool = False, **spec: Any) -> Object:
    made = manifest(name, list(addresses), **spec)
    made["metadata"] |= {"creationTimestamp": created, "generation": 4}
    if deleting:
        made["metadata"]["deletionTimestamp"] = "9"
    return made


def after(pools: list[Object], held: tuple[str, ...] = (), nodes: tuple[str, ...] = ()) -> dict[str, Object]:
    """The pools' statuses by name; `pools` are given them."""
    found = poolstatus.shares(pools, held)
    for each in pools:
        share = found[each["metadata"]["name"]]
        each["status"] = poolstatus.status(each, share, held, nodes)
    return {each["metadata"]["name"]: each["status"] for each in pools}


def conditions(status: Object) -> dict[str, tuple[str, str]]:
    return {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}


def message(status: Object, type: str) -> str:
    return next(str(each["message"]) for each in status["conditions"] if each["type"] == type)


def test_addresses_are_counted_and_those_of_nodes_are_nobodys() -> None:
    told = after([pool("main", "192.0.2.0/29")], ("192.0.2.3", "10.0.0.1"), ("192.0.2.1", "10.0.0.2"))["main"]
    assert (told["ranges"], told["used"], told["free"]) == (["192.0.2.0-192.0.2.7"], 1, 6)
    assert "retained" not in told
    assert conditions(told) == {
        "Ready": ("True", "InForce"),
        "Exhausted": ("False", "AddressesFree"),
        "Overlapping": ("False", "NoOverlap"),
    }
    assert {each["observedGeneration"] for each in told["conditions"]} == {4}


def test_a_status_stays_as_it_is_while_nothing_changes() -> None:
    pools = [pool("main", "192.0.2.0/31")]
    first = after(pools, ("192.0.2.0",))["main"]
    for condition in first["conditions"]:
        condition["lastTransitionTime"] = "then"
    assert after(pools, ("192.0.2.0",))["main"] == first
    full = after(pools, ("192.0.2.0", "192.0.2.1"))["main"]
    assert conditions(full)["Exhausted"] == ("True", "NoAddressFree")
    moved = {each["type"] for each in full["conditions"] if each["lastTransitionTime"] != "then"}
    assert moved == {"Exhausted"}


def test_what_two_pools_name_is_the_older_ones() -> None:
    old, new = pool("z", "192.0.2.0-192.0.2.5"), pool("a", "192.0.2.4-192.0.2.9", created="2")
    whole = pool("none", "192.0.2.2", created="3")
    told = after([new, whole, old], ("192.0.2.4",))
    assert [told[name]["ranges"] for name in ("z", "a", "none")] == [
        ["192.0.2.0-192.0.2.5"],
        ["192.0.2.6-192.0.2.9"],
        [],
    ]
    assert [told[name]["used"] for name in ("z", "a", "none")] == [1, 0, 0]
    assert conditions(told["a"])["Overlapping"] == ("True", "HeldByOlderPool")
    assert message(told["a"], "Overlapping") == "192.0.2.4-192.0.2.5 of pool z"
    assert conditions(told["a"])["Ready"] == ("True", "InForce")
    assert conditions(told["none"])["Ready"] == ("False", "Overlapping")


def test_an_address_that_left_the_pool_stays_while_a_service_has_it() -> None:
    main = pool("main", "192.0.2.0-192.0.2.9")
    after([main], ("192.0.2.8",))
    main["spec"]["addresses"] = ["192.0.2.0-192.0.2.3"]
    told = after([main], ("192.0.2.8",))["main"]
    assert (told["ranges"], told["retained"]) == (["192.0.2.0-192.0.2.3"], ["192.0.2.8"])
    assert (told["used"], told["free"]) == (1, 4)
    assert conditions(told)["Ready"] == ("True", "AddressesRetained")
    assert "192.0.2.8" in message(told, "Ready")
    assert "192.0.2.8" in pool_of(main)
    assert "192.0.2.8" not in pool_of(main).ranges
    assert after([main], ("192.0.2.8",))["main"] == told
    assert "retained" not in after([main])["main"]
    assert "retained" not in after([main], ("192.0.2.8",))["main"], "it is someone else's now"


def test_another_pool_takes_over_what_left_one() -> None:
    main = pool("main", "192.0.2.0-192.0.2.9")
    after([main], ("192.0.2.8",))
    main["spec"]["addresses"] = ["192.0.2.0-192.0.2.3"]
    told = after([main, pool("next", "192.0.2.8/31", created="2")], ("192.0.2.8",))
    assert "retained" not in told["main"]
    assert (told["next"]["used"], told["next"]["free"]) == (1, 1)


def test_a_pool_that_is_being_deleted_gives_nothing_and_stands_back() -> None:
    gone = pool("gone", "192.0.2.0/30", deleting=True)
    told = after([gone], ("192.0.2.1",))["gone"]
    assert (told["used"], told["free"]) == (1, 0)
    assert conditions(told)["Ready"] == ("False", "Terminating")
    assert message(told, "Ready") == "1 address is still used by Services"
    assert conditions(told)["Exhausted"] == ("True", "NoAddressFree")
    told = after([gone, pool("new", "192.0.2.0/30", created="2")], ("192.0.2.1",))
    assert (told["gone"]["ranges"], told["gone"]["used"]) == ([], 0)
    assert (told["new"]["used"], told["new"]["free"]) == (1, 3)


@pytest.mark.parametrize(
    ("addresses", "spec", "problem"),
    [
        ("192.0.2.9-192.0.2.1", {}, "ends before it begins"),
        ("192.0.2.1", {"serviceSelector": {"matchLabels": {"no label": "x"}}}, "spec.serviceSelector: "),
        (
            "192.0.2.1",
            {"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}},
            "namespaceSelector: ",
        ),
    ],
)
def test_what_the_schema_let_through_is_told(addresses: str, spec: Object, problem: str) -> None:
    made = pool("main", addresses, **spec)
    told = after([made])["main"]
    assert conditions(told)["Ready"] == ("False", "Invalid")
    assert problem in message(told, "Ready")
    assert not pool_of(made).ranges


def test_a_status_that_is_none_puts_nothing_in_force() -> None:
    made = pool("main", "192.0.2.1") | {"status": {"ranges": ["what"]}}
    assert not pool_of(made).ranges
    assert after([made])["main"]["ranges"] == ["192.0.2.1"]
