"""A node that answers no more is silent after three seconds; one that never answered says nothing by that."""

from pynetes.cloud.providers.local.neighbours import Neighbours

A, B = "192.0.2.1", "192.0.2.2"
HERE = b"\x02\0\0\0\0\x01"


def test_only_who_has_answered_can_fall_silent() -> None:
    neighbours = Neighbours()
    neighbours.watch(frozenset((A, B)))
    for second in range(10):
        neighbours.questions(second)
        if second < 4:
            neighbours.heard(A, HERE, second)
        assert neighbours.silent(second) == (frozenset((A,)) if second > 6 else frozenset())
    neighbours.heard(A, HERE, 10)
    assert neighbours.silent(10) == frozenset()


def test_who_is_known_is_asked_at_its_place_the_others_everywhere() -> None:
    neighbours = Neighbours()
    neighbours.watch(frozenset((A, B)))
    neighbours.heard(A, HERE, 0)
    neighbours.heard("192.0.2.77", HERE, 0)
    assert neighbours.questions(1) == [(A, HERE), (B, None)]
    for second in (2, 3):
        neighbours.questions(second)
    assert neighbours.questions(4) == [(A, None), (B, None)], "it may have come back as another machine"


def test_a_machine_that_slept_does_not_take_the_others_for_dead() -> None:
    neighbours = Neighbours()
    neighbours.watch(frozenset((A,)))
    neighbours.questions(0)
    neighbours.heard(A, HERE, 0)
    neighbours.questions(1000)
    assert neighbours.silent(1000) == frozenset()
    for second in (1001, 1002, 1003):
        neighbours.questions(second)
    assert neighbours.silent(1003) == frozenset((A,))


def test_who_is_not_watched_is_forgotten() -> None:
    neighbours = Neighbours()
    neighbours.watch(frozenset((A,)))
    neighbours.heard(A, HERE, 0)
    neighbours.watch(frozenset((B,)))
    neighbours.watch(frozenset((A,)))
    assert neighbours.silent(100) == frozenset()
