"""Unique identifiers of objects and requests: random UUIDs, which tell things apart and are no secrets."""

import os
from random import Random

_VARIANT = "89ab"
#: Its own: a test that seeds the interpreter's would get the uids of the last run once more.
_generator = Random()
os.register_at_fork(after_in_child=_generator.seed)


def new_uid() -> str:
    """A version 4 UUID, out of the process's own generator: to ask the kernel for it takes a write's twentieth part,
    and lets another thread go on first. A fork's generator begins anew."""
    digits = f"{_generator.getrandbits(128):032x}"
    variant = _VARIANT[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
