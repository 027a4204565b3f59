"""Where a webhook is reached: a URL or a Service. Webhook configurations and CRD conversions share it."""

from urllib.parse import urlsplit

from pynetes.apimachinery import names
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

SERVICE_PORT = 443
_FORM = "; desired format: https://host[/path]"


def default_service(client_config: Object | None) -> None:
    service = (client_config or {}).get("service")
    if service is not None and service.get("port") is None:
        service["port"] = SERVICE_PORT


def validate_client_config(found: FieldErrors, config: Object, path: str) -> None:
    url, service = config.get("url"), config.get("service")
    if url is not None and service is None:
        _url(found, url, f"{path}.url")
    elif service is not None and url is None:
        _service(found, service, f"{path}.service")
    else:
        found.required(path, "exactly one of url or service is required")


def _url(found: FieldErrors, url: str, path: str) -> None:
    try:
        parts = urlsplit(url)
    except ValueError as e:
        found.required(path, f"url must be a valid URL: {e}{_FORM}")
        return
    user, at, host = parts.netloc.rpartition("@")
    if parts.scheme != "https":
        found.invalid(path, parts.scheme, f"'https' is the only allowed URL scheme{_FORM}")
    if not host:
        found.invalid(path, host, f"host must be specified{_FORM}")
    if at:
        found.invalid(path, user, "user information is not permitted in the URL")
    if parts.fragment:
        found.invalid(path, parts.fragment, "fragments are not permitted in the URL")
    if parts.query:
        found.invalid(path, parts.query, "query parameters are not permitted in the URL")


def _service(found: FieldErrors, service: Object, path: str) -> None:
    # The original mixes the two up, and clients see it so.
    found.present(f"{path}.name", service.get("namespace"))
    found.present(f"{path}.namespace", service.get("name"))
    port = service.get("port") or 0
    messages = names.port_number(port)
    if messages:
        found.invalid(f"{path}.port", port, f"port is not valid: {', '.join(messages)}")
    _service_path(found, service.get("path") or "/", f"{path}.path")


def _service_path(found: FieldErrors, url_path: str, path: str) -> None:
    if url_path == "/":
        return
    if url_path == "//":
        found.invalid(path, url_path, "segment[0] may not be empty")
        return
    if not url_path.startswith("/"):
        found.invalid(path, url_path, "must start with a '/'")
    for i, step in enumerate(url_path[1:].removesuffix("/").split("/")):
        messages = [f": {m}" for m in names.dns1123_subdomain(step)] if step else [" may not be empty"]
        for message in messages:
            found.invalid(path, url_path, f"segment[{i}]{message}")
