"""Which of several API servers is used, by table."""

import pytest

from pynetes.client.servers import Servers

A, B, C, LB = "https://a:6443", "https://b:6443", "https://c:6443", "https://lb:6443"


def test_the_next_one_is_tried_in_turn() -> None:
    servers = Servers([A, B, f"{C}/"])
    assert (servers.current, servers.others) == (A, [B, C])
    servers.leave(A)
    servers.leave(A)  # another request failed on it, too
    assert (servers.current, servers.others) == (B, [C, A])
    servers.leave(B)
    servers.leave(C)
    assert servers.current == A


def test_an_only_server_is_never_left() -> None:
    servers = Servers([A])
    servers.leave(A)
    assert (servers.current, servers.several, servers.others) == (A, False, [])


@pytest.mark.parametrize(
    ("given", "told", "living", "current", "addresses"),
    [
        ([A], [], [A, B], A, [A, B]),
        ([A], [A], [A], A, [A]),
        ([A], [A, B], [B, C], B, [A, B, C]),  # the first is left, and remembered
        ([A, B], [], [], A, [A, B]),  # nobody lives: somebody errs
        ([LB], [], [A, B], LB, [LB, A, B]),  # a load balancer is no server, and stays in use
        ([LB, A, B], [], [B], LB, [LB, B]),
    ],
)
def test_what_the_cluster_tells_is_followed(
    given: list[str], told: list[str], living: list[str], current: str, addresses: list[str]
) -> None:
    servers = Servers(given)
    servers.update(told)
    servers.update(living)
    assert (servers.current, servers.addresses) == (current, addresses)


def test_the_preferred_one_is_remembered_while_it_is_away() -> None:
    servers = Servers([A, B], prefer_first=True)
    assert servers.update([A, B, C])
    assert servers.update([B, C])
    assert (servers.current, servers.preferred) == (B, A)
    assert not servers.update([B, C])
    servers.take(A)
    assert servers.current == A
    servers.take("https://elsewhere")
    assert servers.current == A
