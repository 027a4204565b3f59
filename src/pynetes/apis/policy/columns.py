"""Table columns of the group."""

from typing import Any

from pynetes.apis.cells import at, number
from pynetes.apis.resource import AGE, NAME, Column, Object


def _bound(key: str) -> Any:
    def cell(obj: Object) -> str:
        value = at(obj, "spec", key)
        return "N/A" if value is None else str(value)

    return cell


POD_DISRUPTION_BUDGET = (
    NAME,
    Column("Min Available", _bound("minAvailable"), description="The minimum number of pods that must be available."),
    Column(
        "Max Unavailable", _bound("maxUnavailable"), description="The maximum number of pods that may be unavailable."
    ),
    Column(
        "Allowed Disruptions",
        number("status", "disruptionsAllowed"),
        "integer",
        description="Calculated number of pods that may be disrupted at this time.",
    ),
    AGE,
)
