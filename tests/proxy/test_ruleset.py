"""One change of a Service is a few elements; what several ports share stays until the last lets go."""

from msgspec.structs import replace

from pynetes.proxy.elements import elements
from pynetes.proxy.endpoints import Endpoint
from pynetes.proxy.ruleset import Change, State, full, sweep
from pynetes.proxy.services import ServicePort

A, B, C = (Endpoint(f"10.244.0.{n}", 8080, local=True) for n in (1, 2, 3))
PORT = ServicePort("ns/svc", "web", "tcp", "10.96.0.10", 80, cluster=(A, B))


def change(state: State, old: ServicePort | None, new: ServicePort | None) -> str:
    transaction = Change(state)
    transaction.replace(elements(old) if old else None, elements(new) if new else None)
    return transaction.text() if transaction else ""


def test_a_new_endpoint_is_a_few_elements() -> None:
    _, state = full(
        [elements(PORT), elements(replace(PORT, service="ns/other", cluster_ip="10.96.0.11", cluster=(A, B, C)))]
    )
    text = change(state, PORT, replace(PORT, cluster=(A, B, C)))
    assert text.splitlines() == [
        "delete element ip pynetes-proxy service-ips { 10.96.0.10 . tcp . 80 : goto lb2 }",
        "add element ip pynetes-proxy service-endpoints { 10.96.0.10 . tcp . 80 . 2 : 10.244.0.3 . 8080 }",
        "add element ip pynetes-proxy service-ips { 10.96.0.10 . tcp . 80 : goto lb3 }",
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


def test_without_endpoints_clients_are_refused_with_some_elsewhere_they_hear_nothing() -> None:
    _, state = full([elements(PORT)])
    text = change(state, PORT, replace(PORT, cluster=()))
    assert "add element ip pynetes-proxy no-endpoint-services { 10.96.0.10 . tcp . 80 : goto reject-chain }" in text
    for endpoints, verdict in (((A,), "drop"), ((), "goto reject-chain")):
        outside = elements(replace(PORT, node_port=30080, cluster=endpoints, external_local=True)).items
        assert outside["no-endpoint-node-ports", "tcp . 30080"] == verdict
        inside = elements(replace(PORT, cluster=endpoints, internal_local=True)).items
        assert inside["no-endpoint-services", "10.96.0.10 . tcp . 80"] == verdict


def test_policy_local_has_both_kinds_of_endpoints_for_clients_inside_and_outside() -> None:
    items = elements(replace(PORT, external_ips=("192.0.2.1",), local=(A,), external_local=True)).items
    key = "192.0.2.1 . tcp . 80"
    assert items["service-ips", key] == "goto external-local"
    assert items["cluster-policy", key] == "goto lb2"
    assert items["local-policy", key] == "goto llb1"
    assert items["service-endpoints", f"{key} . 1"] == "10.244.0.2 . 8080"
    assert items["service-endpoints", f"{key} . 1048576"] == "10.244.0.1 . 8080"


def test_what_two_services_claim_is_the_firsts_until_it_goes() -> None:
    first, second = (
        replace(PORT, external_ips=("192.0.2.1",)),
        replace(PORT, service="ns/second", cluster_ip="10.96.0.2"),
    )
    claim = replace(second, external_ips=("192.0.2.1",), cluster=(C,))
    _, state = full([elements(first), elements(claim)])
    endpoint = "service-endpoints", "192.0.2.1 . tcp . 80 . 0"
    assert state.items[endpoint] == "10.244.0.1 . 8080"
    going = Change(state)
    going.replace(elements(first), None)
    assert going.needs_full
    _, state = full([elements(second)])
    coming = Change(state)
    coming.replace(None, elements(replace(first, cluster_ip="10.96.0.2")))
    assert coming.needs_full


def test_chains_are_emptied_first_and_deleted_later() -> None:
    limited = replace(PORT, load_balancer_ips=("192.0.2.9",), source_ranges=("198.51.100.0/24",))
    _, state = full([elements(limited)])
    (name,) = state.chains
    text = change(state, limited, PORT)
    assert f"flush chain ip pynetes-proxy {name}" in text
    assert "delete chain" not in text
    assert sweep(state) == f"delete chain ip pynetes-proxy {name}\n"
    assert sweep(state) == ""
    change(state, PORT, limited)
    change(state, limited, PORT)
    change(state, PORT, limited)
    assert sweep(state) == "", "it is in use again"


def test_affinity_follows_the_endpoint_when_its_neighbours_change() -> None:
    sticky = replace(PORT, affinity_seconds=60)
    _, state = full([elements(sticky)])
    sets = set(state.sets)
    text = change(state, sticky, replace(sticky, cluster=(A, C)))
    kept = sets & set(state.sets)
    assert len(kept) == 1, "the set of the endpoint that stays is not made anew"
    assert f"delete set ip pynetes-proxy {(sets - kept).pop()}" in text
    assert not any(f"set ip pynetes-proxy {name}" in text for name in kept)


def test_more_endpoints_than_chains_replace_the_table_with_twice_as_many() -> None:
    text, state = full([elements(PORT)])
    many = tuple(Endpoint(f"10.244.1.{n}", 80) for n in range(state.capacity + 1))
    transaction = Change(state)
    transaction.replace(elements(PORT), elements(replace(PORT, cluster=many)))
    assert transaction.needs_full
    text, larger = full([elements(replace(PORT, cluster=many))])
    assert larger.capacity == 2 * state.capacity
    assert f"numgen random mod {len(many)} map" in text
