"""The configuration file of before: its pools become AddressPools, what cannot be carried over is refused."""

import pytest

from pynetes.cloud.providers.local import formerconfig


def test_pools_of_the_file_become_address_pools() -> None:
    text = """
    pools:
    - {name: a, addresses: [10.0.0.1 - 10.0.0.9, 10.0.1.0/31]}
    - {name: b, addresses: [10.0.2.1], autoAssign: false}
    """
    first, second = formerconfig.pools(text)
    assert (first["kind"], first["metadata"]["name"]) == ("AddressPool", "a")
    assert first["spec"] == {"addresses": ["10.0.0.1-10.0.0.9", "10.0.1.0/31"]}
    assert second["spec"] == {"addresses": ["10.0.2.1"], "autoAssign": False}
    assert formerconfig.pools("") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "is no YAML"),
        ("pools: 3", "is none that there ever was"),
        ("- a", "is none that there ever was"),
        ("pools: [{addresses: []}]", r"pools\[0\]: is no pool with a name"),
        ("pools: [{name: a, adresses: []}]", r"pools\[0\]: unknown field 'adresses'"),
        ("instances: {n1: {zone: a}}", "instances are no longer configured: label the nodes"),
    ],
)
def test_what_cannot_be_carried_over_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        formerconfig.pools(text)
