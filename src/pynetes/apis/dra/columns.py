"""Table columns of the group."""

from pynetes.apis.cells import at, field
from pynetes.apis.resource import AGE, NAME, Column, Object, schema_text

_SLICE = "resource.v1.ResourceSliceSpec."


def _state(claim: Object) -> str:
    deleted = at(claim, "metadata", "deletionTimestamp") is not None
    words = ["deleted"] if deleted else []
    if at(claim, "status", "allocation") is not None:
        words.append("allocated")
        if at(claim, "status", "reservedFor"):
            words.append("reserved")
    elif not deleted:
        words.append("pending")
    return ",".join(words)


NAMED = (NAME, AGE)
RESOURCE_CLAIM = (
    NAME,
    Column("State", _state, description="A summary of the current state (allocated, pending, reserved, etc.)."),
    AGE,
)
RESOURCE_SLICE = (
    NAME,
    Column("Node", field("spec", "nodeName"), description=schema_text(_SLICE + "nodeName")),
    Column("Driver", field("spec", "driver"), description=schema_text(_SLICE + "driver")),
    Column("Pool", field("spec", "pool", "name"), description=schema_text("resource.v1.ResourcePool.name")),
    AGE,
)
