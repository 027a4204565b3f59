"""What the controllers here are: `client.basecontroller` with this manager's context."""

from typing import Any

from pynetes.apimachinery.errors import StatusError
from pynetes.client.basecontroller import SharedController
from pynetes.controllers.context import ControllerContext

Object = dict[str, Any]

NAMESPACE_TERMINATING = "NamespaceTerminating"


class BaseController(SharedController[ControllerContext]):
    """A subclass sets `name` and `account`, asks for informers in its constructor and implements `sync`."""


def has_cause(error: StatusError, reason: str) -> bool:
    """Whether a refusal names `reason` among its causes (a namespace that is being terminated, …)."""
    return any(cause.get("reason") == reason for cause in error.details.get("causes") or ())
