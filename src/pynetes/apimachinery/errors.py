"""Status errors: what an API server answers when it does not do what it was asked.

`StatusError` carries a `v1.Status`; the constructors below give upstream's code, reason, message and details. Field
errors are `FieldError`s; `invalid` joins them into one 422. Source of texts: the API conventions and what client-go's
`apierrors` matches on.
"""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from pynetes.apimachinery import json_writer
from pynetes.apimachinery.quoting import go_quoted
from pynetes.apimachinery.structural.numbers import go_text

_PREFIX = {
    "FieldValueNotFound": "Not found",
    "FieldValueRequired": "Required value",
    "FieldValueDuplicate": "Duplicate value",
    "FieldValueInvalid": "Invalid value",
    "FieldValueNotSupported": "Unsupported value",
    "FieldValueForbidden": "Forbidden",
    "FieldValueTooLong": "Too long",
    "FieldValueTooMany": "Too many",
    "InternalError": "Internal error",
    "FieldValueTypeInvalid": "Invalid value",
}
_VALUELESS = frozenset(
    ("FieldValueRequired", "FieldValueForbidden", "FieldValueTooLong", "FieldValueTooMany", "InternalError")
)


#: Stands for a value that messages do not repeat.
OMITTED = object()


class FieldError(Struct, frozen=True):
    """One violation at one field. `type` is the cause's reason (FieldValueRequired, …); `detail` says what is wrong."""

    type: str
    field: str
    value: Any = None
    detail: str = ""

    @property
    def body(self) -> str:
        """The message without the field."""
        prefix = _PREFIX[self.type]
        if self.type in _VALUELESS or self.value is OMITTED:
            text = prefix
        else:
            text = f"{prefix}: {_show(self.value)}"
        return f"{text}: {self.detail}" if self.detail else text

    def __str__(self) -> str:
        return f"{self.field}: {self.body}"

    def cause(self) -> dict[str, Any]:
        return {"reason": self.type, "message": self.body, "field": self.field}


def _show(value: Any) -> str:
    if isinstance(value, str):
        return go_quoted(value)
    if value is None:
        return "null"
    if isinstance(value, (dict, list)):
        text = json_writer.encode(value).decode()  # where Go's encoder escapes what HTML would take for its own
        return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return go_text(value)


def required(field: str, detail: str = "") -> FieldError:
    return FieldError("FieldValueRequired", field, None, detail)


def invalid_value(field: str, value: Any, detail: str) -> FieldError:
    return FieldError("FieldValueInvalid", field, value, detail)


def type_invalid(field: str, value: Any, detail: str) -> FieldError:
    return FieldError("FieldValueTypeInvalid", field, value, detail)


def not_supported(field: str, value: Any, supported: Iterable[str]) -> FieldError:
    allowed = ", ".join(f'"{v}"' for v in supported)
    return FieldError("FieldValueNotSupported", field, value, f"supported values: {allowed}")


def duplicate(field: str, value: Any) -> FieldError:
    return FieldError("FieldValueDuplicate", field, value)


def internal_error(field: str, detail: str) -> FieldError:
    return FieldError("InternalError", field, None, detail)


def field_not_found(field: str, value: Any) -> FieldError:
    return FieldError("FieldValueNotFound", field, value)


def field_forbidden(field: str, detail: str) -> FieldError:
    return FieldError("FieldValueForbidden", field, None, detail)


def too_long(field: str, maximum: int) -> FieldError:
    """For strings: upstream counts bytes and does not repeat the value."""
    return FieldError("FieldValueTooLong", field, None, f"may not be more than {maximum} bytes")


def too_many(field: str, actual: int, maximum: int) -> FieldError:
    items = "item" if maximum == 1 else "items"
    return FieldError("FieldValueTooMany", field, None, f"{actual}: must have at most {maximum} {items}")


class StatusError(Exception):
    """A refused request. `str()` is the message; `status()` the `v1.Status` to send."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        details: dict[str, Any] | None = None,
        *,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = dict(details or {})
        self._shows_details = details is not None
        #: Headers that the answer has besides.
        self.headers: dict[str, str] = {}
        if retry_after:
            self.details["retryAfterSeconds"] = retry_after

    def status(self) -> dict[str, Any]:
        out: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            out["reason"] = self.reason
        if self.details or self._shows_details:
            out["details"] = self.details
        out["code"] = self.code
        return out

    @classmethod
    def from_status(cls, status: dict[str, Any], code: int = 0) -> "StatusError":
        """The error that a server's answer stands for."""
        return cls(
            status.get("code") or code or 500,
            status.get("reason") or "",
            status.get("message") or "the server could not process the request",
            status.get("details"),
        )


_ANSWERS = {
    400: ("BadRequest", "the server rejected our request for an unknown reason"),
    401: ("Unauthorized", "the server has asked for the client to provide credentials"),
    404: ("NotFound", "the server could not find the requested resource"),
    405: ("MethodNotAllowed", "the server does not allow this method on the requested resource"),
    409: ("Conflict", "the server reported a conflict"),
    422: ("Invalid", "the server rejected our request due to an error in our request"),
    429: ("TooManyRequests", "the server has received too many requests and has asked us to try again later"),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
    504: (
        "Timeout",
        "the server was unable to return a response in the time allotted, but may still be processing the request",
    ),
}


def of_answer(code: int, text: str) -> tuple[str, str]:
    """(reason, message) that client-go gives to an answer that is no Status; `text` is what it says."""
    match code:
        case 403:
            return "Forbidden", text
        case 406 if text in ("", "unknown"):
            return "NotAcceptable", "the server was unable to respond with a content type that the client supports"
        case 406:
            return "NotAcceptable", text
        case 415:
            return "UnsupportedMediaType", text
    if code in _ANSWERS:
        return _ANSWERS[code]
    if code >= 500:
        return "InternalError", f"an error on the server ({go_quoted(text)}) has prevented the request from succeeding"
    return "", f"the server responded with the status code {code} but did not return more information"


def _named(resource: str, name: str) -> dict[str, Any]:
    """Details of one object; `resource` is `deployments.apps` or `pods`."""
    plural, _, group = resource.partition(".")
    return _details(name, group, plural)


def _details(name: str, group: str, kind: str) -> dict[str, Any]:
    """What is empty is left out, as Go's `omitempty` does."""
    return {key: value for key, value in (("name", name), ("group", group), ("kind", kind)) if value}


def not_found(resource: str, name: str) -> StatusError:
    return StatusError(404, "NotFound", f"{resource} {go_quoted(name)} not found", _named(resource, name))


def route_not_found() -> StatusError:
    """No such path or resource type."""
    return StatusError(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(resource: str, name: str) -> StatusError:
    return StatusError(409, "AlreadyExists", f"{resource} {go_quoted(name)} already exists", _named(resource, name))


def conflict(resource: str, name: str, why: str | None = None) -> StatusError:
    why = why or "the object has been modified; please apply your changes to the latest version and try again"
    return StatusError(
        409, "Conflict", f"Operation cannot be fulfilled on {resource} {go_quoted(name)}: {why}", _named(resource, name)
    )


def invalid(kind: str, group: str, name: str, errors: Iterable[FieldError]) -> StatusError:
    """422 with one cause a field error; `kind` is the Kind (`Pod`)."""
    found = list(errors)
    texts = list(dict.fromkeys(str(e) for e in found))
    text = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    type_name = f"{kind}.{group}" if group else kind
    details = _details(name, group, kind)
    details["causes"] = [e.cause() for e in found]
    return StatusError(422, "Invalid", f"{type_name} {go_quoted(name)} is invalid: {text}", details)


def bad_request(message: str) -> StatusError:
    return StatusError(400, "BadRequest", message)


def unauthorized(message: str = "Unauthorized") -> StatusError:
    return StatusError(401, "Unauthorized", message)


def forbidden(resource: str, name: str, why: str) -> StatusError:
    """`resource` may be empty for a request outside of any resource."""
    if not resource:
        return StatusError(403, "Forbidden", f"forbidden: {why}", {})
    subject = f'{resource} "{name}"' if name else resource
    return StatusError(403, "Forbidden", f"{subject} is forbidden: {why}", _named(resource, name))


def rejected() -> StatusError:
    """A patch that cannot be applied: what clients of the original get, who are not told why."""
    reason, message = of_answer(422, "")
    return StatusError(422, reason, message, {})


def method_not_allowed() -> StatusError:
    """No resource at this path knows the method."""
    return StatusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def method_not_supported(resource: str, action: str) -> StatusError:
    plural, _, group = resource.partition(".")
    details = {"group": group, "kind": plural} if group else {"kind": plural}
    return StatusError(405, "MethodNotAllowed", f'{action} is not supported on resources of kind "{resource}"', details)


def not_acceptable(accepted: Iterable[str]) -> StatusError:
    return StatusError(406, "NotAcceptable", "only the following media types are accepted: " + ", ".join(accepted))


def unsupported_media_type(accepted: Iterable[str]) -> StatusError:
    return StatusError(
        415,
        "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include: " + ", ".join(accepted),
    )


def request_entity_too_large(message: str) -> StatusError:
    return StatusError(413, "RequestEntityTooLarge", f"Request entity too large: {message}")


def expired(message: str) -> StatusError:
    """410: the resourceVersion is compacted away."""
    return StatusError(410, "Expired", message)


def gone(message: str) -> StatusError:
    return StatusError(410, "Gone", message)


def too_many_requests(message: str, retry_after: int) -> StatusError:
    return StatusError(429, "TooManyRequests", message, retry_after=retry_after)


def timeout(message: str, retry_after: int = 0) -> StatusError:
    return StatusError(504, "Timeout", f"Timeout: {message}", retry_after=retry_after)


def internal(message: str) -> StatusError:
    return StatusError(500, "InternalError", f"Internal error occurred: {message}", {"causes": [{"message": message}]})


def aggregate(messages: Iterable[str]) -> str:
    """Several errors as one, each once, as Go's aggregates print; "" for none."""
    distinct = list(dict.fromkeys(messages))
    return distinct[0] if len(distinct) == 1 else f"[{', '.join(distinct)}]" if distinct else ""


def store_failed(error: Exception) -> StatusError:
    """What upstream makes of an etcd that fails: its words, and no reason."""
    return StatusError(500, "", str(error))


def service_unavailable(message: str) -> StatusError:
    return StatusError(503, "ServiceUnavailable", message)
