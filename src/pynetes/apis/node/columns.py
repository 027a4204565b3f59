"""Table columns of the group."""

from pynetes.apis.cells import field
from pynetes.apis.resource import AGE, NAME, Column

RUNTIME_CLASS = (NAME, Column("Handler", field("handler")), AGE)
