"""Defaults of containers, their probes, ports and environment."""

from contextlib import suppress

from pynetes.apimachinery import quantity
from pynetes.apis.core.image_reference import default_pull_policy
from pynetes.apis.strategy import Object
from pynetes.component.memo import remembered

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_PROBE_DEFAULTS = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}


def default_if_empty(obj: Object, **values: object) -> None:
    """Sets fields that are missing, empty or zero."""
    for key, value in values.items():
        if not obj.get(key):
            obj[key] = value


def default_resource_list(resources: Object | None) -> None:
    """Quantities finer than a thousandth are rounded up, and all are written in canonical form."""
    if not resources:
        return
    for name, value in resources.items():
        with suppress(ValueError):  # what is no quantity, the decoder has refused
            resources[name] = _rounded(value)


@remembered(1 << 10)
def _rounded(text: str) -> str:
    return str(quantity.parse(text).round_up(-3))


def default_resources(requirements: Object | None) -> None:
    for field in ("limits", "requests"):
        default_resource_list((requirements or {}).get(field))


def default_http_get(action: Object) -> None:
    default_if_empty(action, path="/", scheme="HTTP")


def default_probe(probe: Object) -> None:
    default_if_empty(probe, **_PROBE_DEFAULTS)
    if probe.get("httpGet") is not None:
        default_http_get(probe["httpGet"])
    if probe.get("grpc") is not None:
        probe["grpc"].setdefault("service", "")


def default_field_ref(source: Object | None) -> None:
    if source is not None:
        default_if_empty(source, apiVersion="v1")


def default_container(container: Object) -> None:
    """For containers of every sort: init, ordinary and ephemeral."""
    default_if_empty(
        container,
        imagePullPolicy=default_pull_policy(container.get("image") or ""),
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
    )
    container.setdefault("resources", {})
    default_resources(container["resources"])
    for port in container.get("ports") or ():
        default_if_empty(port, protocol="TCP")
    for variable in container.get("env") or ():
        source = variable.get("valueFrom")
        if source:
            default_field_ref(source.get("fieldRef"))
            if source.get("fileKeyRef") is not None:
                source["fileKeyRef"].setdefault("optional", False)
            if source.get("resourceFieldRef") is not None:
                default_if_empty(source["resourceFieldRef"], divisor="0")
    for name in _PROBES:
        if container.get(name) is not None:
            default_probe(container[name])
    for handler in (container.get("lifecycle") or {}).values():
        if isinstance(handler, dict) and handler.get("httpGet") is not None:
            default_http_get(handler["httpGet"])
