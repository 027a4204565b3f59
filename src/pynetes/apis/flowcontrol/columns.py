"""Table columns of the group."""

from pynetes.apis.cells import NONE, at, field
from pynetes.apis.resource import AGE, NAME, Column, Object, schema_text

_SCHEMA = "flowcontrol.v1.FlowSchemaSpec."
_LEVEL = "flowcontrol.v1."


def _dangling(schema: Object) -> str:
    for condition in at(schema, "status", "conditions") or ():
        if condition.get("type") == "Dangling":
            return str(condition.get("status") or "")
    return "?"


FLOW_SCHEMA = (
    NAME,
    Column(
        "PriorityLevel",
        field("spec", "priorityLevelConfiguration", "name"),
        description=schema_text("flowcontrol.v1.PriorityLevelConfigurationReference.name"),
    ),
    Column(
        "MatchingPrecedence",
        field("spec", "matchingPrecedence", default=0),
        description=schema_text(_SCHEMA + "matchingPrecedence"),
    ),
    Column(
        "DistinguisherMethod",
        field("spec", "distinguisherMethod", "type", default=NONE),
        description=schema_text(_SCHEMA + "distinguisherMethod"),
    ),
    AGE,
    Column("MissingPL", _dangling, description="references a broken or non-existent PriorityLevelConfiguration"),
)


def in_order_of_matching(schema: Object) -> tuple[int, str]:
    """First those that are asked first."""
    return schema["spec"].get("matchingPrecedence") or 0, schema["metadata"]["name"]


_QUEUING = ("spec", "limited", "limitResponse", "queuing")


def _queuing(name: str, key: str) -> Column:
    return Column(
        name, field(*_QUEUING, key, default=NONE), description=schema_text(f"{_LEVEL}QueuingConfiguration.{key}")
    )


PRIORITY_LEVEL = (
    NAME,
    Column("Type", field("spec", "type"), description=schema_text(_LEVEL + "PriorityLevelConfigurationSpec.type")),
    Column(
        "NominalConcurrencyShares",
        field("spec", "limited", "nominalConcurrencyShares", default=NONE),
        description=schema_text(_LEVEL + "LimitedPriorityLevelConfiguration.nominalConcurrencyShares"),
    ),
    _queuing("Queues", "queues"),
    _queuing("HandSize", "handSize"),
    _queuing("QueueLengthLimit", "queueLengthLimit"),
    AGE,
)
