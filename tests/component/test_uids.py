"""Unique identifiers."""

import os
import random
from uuid import RFC_4122, UUID

from pynetes.component.uids import new_uid


def test_uids_are_random_uuids_and_no_two_are_the_same() -> None:
    found = [new_uid() for _ in range(1000)]
    assert len(set(found)) == 1000
    for text in found:
        uid = UUID(text)
        assert (str(uid), uid.version, uid.variant) == (text, 4, RFC_4122)


def test_who_seeds_the_interpreters_generator_gets_no_uid_twice() -> None:
    state = random.getstate()
    try:
        found = set()
        for _ in range(2):
            random.seed(1)
            found.add(new_uid())
    finally:
        random.setstate(state)
    assert len(found) == 2


def test_a_fork_makes_others() -> None:
    new_uid()
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.write(write, new_uid().encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as told:
        assert told.read() != new_uid()
    os.waitpid(child, 0)
