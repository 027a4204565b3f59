"""Table columns of the group."""

from pynetes.apis.cells import field
from pynetes.apis.resource import AGE, NAME, Column, schema_text

LEASE = (
    NAME,
    Column(
        "Holder",
        field("spec", "holderIdentity"),
        description=schema_text("coordination.v1.LeaseSpec.holderIdentity"),
    ),
    AGE,
)
