"""Table columns of the group."""

from pynetes.apis.cells import UNSET, field, shortened
from pynetes.apis.resource import AGE, NAME, Column, Object, schema_text

_SLICE = "discovery.v1.EndpointSlice."


def _port(port: Object) -> str:
    if port.get("port") is not None:
        return str(port["port"])
    return port["name"] if port.get("name") is not None else "*"


def _ports(obj: Object) -> str:
    return shortened([_port(p) for p in obj.get("ports") or ()]) or UNSET


def _endpoints(obj: Object) -> str:
    return shortened([a for e in obj.get("endpoints") or () for a in e.get("addresses") or ()]) or UNSET


ENDPOINT_SLICE = (
    NAME,
    Column("AddressType", field("addressType"), description=schema_text(_SLICE + "addressType")),
    Column("Ports", _ports, description=schema_text(_SLICE + "ports")),
    Column("Endpoints", _endpoints, description=schema_text(_SLICE + "endpoints")),
    AGE,
)
