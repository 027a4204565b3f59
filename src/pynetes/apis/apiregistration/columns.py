"""Table columns of the group."""

from pynetes.apis.cells import at
from pynetes.apis.resource import AGE, NAME, Column, Object


def _service(api_service: Object) -> str:
    service = at(api_service, "spec", "service")
    return "Local" if service is None else f"{service.get('namespace') or ''}/{service.get('name') or ''}"


def _available(api_service: Object) -> str:
    for condition in at(api_service, "status", "conditions") or ():
        if condition.get("type") == "Available":
            status, reason = str(condition.get("status") or ""), condition.get("reason")
            return f"{status} ({reason})" if status != "True" and reason else status
    return "Unknown"


API_SERVICE = (
    NAME,
    Column("Service", _service, description="The reference to the service that hosts this API endpoint."),
    Column("Available", _available, description="Whether this service is available."),
    AGE,
)
