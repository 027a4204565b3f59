"""The columns of core/v1's events, over events.k8s.io/v1's field names."""

from collections.abc import Callable
from typing import Any

from pynetes.apis.core.columns import EVENT as CORE_EVENT
from pynetes.apis.events.conversion import to_core
from pynetes.apis.resource import Column, Object


def _over_core(cells: Callable[[Object], Any]) -> Callable[[Object], Any]:
    return lambda event: cells(to_core(event))


EVENT = tuple(Column(c.name, _over_core(c.cells), c.type, c.format, c.source, c.priority) for c in CORE_EVENT)
