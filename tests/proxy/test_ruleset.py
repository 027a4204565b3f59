"""One change of a Service is a few elements; what several ports share stays until the last lets go."""

from dataclasses import replace

from pynetes.proxy.elements import elements
from pynetes.proxy.ruleset import Change, State, full
from pynetes.proxy.services import Endpoint, ServicePort

A, B, C = (Endpoint(f"10.244.0.{n}", 8080) for n in (1, 2, 3))
PORT = ServicePort("ns/svc", "web", "tcp", "10.96.0.10", 80, internal=(A, B), external=(A, B))


def change(state: State, old: ServicePort | None, new: ServicePort | None) -> str:
    transaction = Change(state)
    transaction.replace(elements(old) if old else None, elements(new) if new else None)
    return transaction.text() if transaction else ""


def test_a_new_endpoint_is_a_few_elements() -> None:
    _, state = full(
        [elements(PORT), elements(replace(PORT, service="ns/other", cluster_ip="10.96.0.11", internal=(A, B, C)))]
    )
    text = change(state, PORT, replace(PORT, internal=(A, B, C), external=(A, B, C)))
    assert text.splitlines() == [
        "delete element ip pynetes-proxy service-ips { 10.96.0.10 . tcp . 80 : goto lb2 }",
        "add element ip pynetes-proxy service-ips { 10.96.0.10 . tcp . 80 : goto lb3 }",
        "add element ip pynetes-proxy service-endpoints { 10.96.0.10 . tcp . 80 . 2 : 10.244.0.3 . 8080 }",
    ]


def test_nothing_changed_is_no_transaction() -> None:
    _, state = full([elements(PORT)])
    assert change(state, PORT, replace(PORT)) == ""


def test_shared_elements_stay_until_the_last_port_lets_go() -> None:
    other = replace(PORT, port_name="metrics", port=9090)
    _, state = full([elements(PORT), elements(other)])
    text = change(state, PORT, None)
    assert "cluster-ips" not in text
    assert "hairpin" not in text
    text = change(state, other, None)
    assert "delete element ip pynetes-proxy cluster-ips { 10.96.0.10 }" in text
    assert "10.244.0.1 . 10.244.0.1" in text
    assert not state.items
    assert not state.shared


def test_losing_the_last_endpoint_refuses_and_policy_local_drops() -> None:
    _, state = full([elements(PORT)])
    text = change(state, PORT, replace(PORT, internal=(), external=()))
    assert "add element ip pynetes-proxy no-endpoint-services { 10.96.0.10 . tcp . 80 : goto reject-chain }" in text
    local = replace(PORT, node_port=30080, external=(), external_local=True)
    assert elements(local).items["no-endpoint-node-ports", "tcp . 30080"] == "drop"


def test_affinity_follows_the_endpoint_when_its_neighbours_change() -> None:
    sticky = replace(PORT, affinity_seconds=60)
    _, state = full([elements(sticky)])
    sets = set(state.sets)
    text = change(state, sticky, replace(sticky, internal=(A, C), external=(A, C)))
    kept = sets & set(state.sets)
    assert len(kept) == 1, "the set of the endpoint that stays is not made anew"
    assert f"delete set ip pynetes-proxy {(sets - kept).pop()}" in text
    assert not any(f"set ip pynetes-proxy {name}" in text for name in kept)


def test_more_endpoints_than_chains_replace_the_table_with_twice_as_many() -> None:
    text, state = full([elements(PORT)])
    many = tuple(Endpoint(f"10.244.1.{n}", 80) for n in range(state.capacity + 1))
    transaction = Change(state)
    transaction.replace(elements(PORT), elements(replace(PORT, internal=many)))
    assert transaction.beyond_capacity
    text, larger = full([elements(replace(PORT, internal=many))])
    assert larger.capacity == 2 * state.capacity
    assert f"numgen random mod {len(many)} map" in text
