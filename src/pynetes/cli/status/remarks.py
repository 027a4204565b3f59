"""What is not as it should be: how bad it is, what was seen, what to do."""

from collections.abc import Container, Iterable
from typing import Literal

from msgspec import Struct

Level = Literal["ok", "warn", "bad"]
OK: Level = "ok"
#: Worth a look; the cluster does its work.
WARN: Level = "warn"
BAD: Level = "bad"

#: Stands in a remedy for the directory of the cluster's data.
DATA = "<data-dir>"

_ORDER: tuple[Level, ...] = (OK, WARN, BAD)


class Remark(Struct, frozen=True):
    """`remedy`: what to do, as a command where there is one. `about`: the machine that is the cause, if it is one."""

    level: Level
    section: str
    what: str
    remedy: str = ""
    about: str = ""


def worst(remarks: Iterable[Remark]) -> Level:
    return max((remark.level for remark in remarks), key=_ORDER.index, default=OK)


def without_echoes(remarks: Iterable[Remark], machines: Container[str]) -> list[Remark]:
    """Without what follows from the fact that these machines are off: that is said already."""
    return [remark for remark in remarks if remark.about not in machines]
