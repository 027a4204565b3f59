"""Table columns of the group."""

from pynetes.apis.cells import field, number
from pynetes.apis.resource import AGE, NAME, Column, schema_text

_CLASS = "scheduling.v1.PriorityClass."
PRIORITY_CLASS = (
    NAME,
    Column("Value", number("value"), "integer", description=schema_text(_CLASS + "value")),
    Column(
        "Global-Default",
        field("globalDefault", default=False),
        "boolean",
        description=schema_text(_CLASS + "globalDefault"),
    ),
    AGE,
    Column("PreemptionPolicy", field("preemptionPolicy"), description=schema_text(_CLASS + "preemptionPolicy")),
)
