"""Probes and lifecycle hooks."""

from pynetes.apimachinery import names
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

_SCHEMES = ("HTTP", "HTTPS")
_PROBE_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_HOOK_HANDLERS = ("exec", "httpGet", "tcpSocket", "sleep")
_COUNTS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
_SIGNALS_WINDOWS = ("SIGKILL", "SIGTERM")
_SIGNALS = (
    "ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP "
    "TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX"
)
_REALTIME = [f"RTMIN+{n}" for n in range(1, 16)] + [f"RTMAX-{n}" for n in range(1, 15)]
STOP_SIGNALS = tuple(sorted("SIG" + name for name in (*_SIGNALS.split(), *_REALTIME)))


def validate_probes(found: FieldErrors, container: Object, grace_seconds: int | None, path: str) -> None:
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = container.get(name)
        if probe is None:
            continue
        own = f"{path}.{name}"
        _probe(found, probe, grace_seconds, own)
        if name == "readinessProbe":
            if probe.get("terminationGracePeriodSeconds") is not None:
                detail = "must not be set for readinessProbes"
                seconds = probe["terminationGracePeriodSeconds"]
                found.invalid(f"{own}.terminationGracePeriodSeconds", seconds, detail)
        elif probe.get("successThreshold") != 1:
            found.invalid(f"{own}.successThreshold", probe.get("successThreshold") or 0, "must be 1")


def _probe(found: FieldErrors, probe: Object, grace_seconds: int | None, path: str) -> None:
    _handler(found, probe, _PROBE_HANDLERS, grace_seconds, path)
    for field in _COUNTS:
        found.non_negative(f"{path}.{field}", probe.get(field))
    seconds = probe.get("terminationGracePeriodSeconds")
    if seconds is not None and seconds <= 0:
        found.invalid(f"{path}.terminationGracePeriodSeconds", seconds, "must be greater than 0")


def validate_lifecycle(
    found: FieldErrors, lifecycle: Object | None, grace_seconds: int | None, os: str, path: str
) -> None:
    if lifecycle is None:
        return
    for hook in ("postStart", "preStop"):
        if lifecycle.get(hook) is not None:
            _handler(found, lifecycle[hook], _HOOK_HANDLERS, grace_seconds, f"{path}.{hook}")
    signal = lifecycle.get("stopSignal")
    if signal is None:
        return
    if not os:
        found.forbidden(f"{path}.stopSignal", "may not be set for containers with empty `spec.os.name`")
        return
    allowed = _SIGNALS_WINDOWS if os == "windows" else STOP_SIGNALS
    if signal not in allowed:
        found.not_supported(f"{path}.stopSignal", signal, allowed)


def _handler(found: FieldErrors, handler: Object, kinds: tuple[str, ...], grace_seconds: int | None, path: str) -> None:
    given = [kind for kind in kinds if handler.get(kind) is not None]
    if not given:
        found.required(path, "must specify a handler type")
        return
    _action(found, given[0], handler[given[0]], grace_seconds, f"{path}.{given[0]}")
    for kind in given[1:]:
        found.forbidden(f"{path}.{kind}", "may not specify more than 1 handler type")


def _action(found: FieldErrors, kind: str, action: Object, grace_seconds: int | None, own: str) -> None:
    if kind == "exec":
        found.present(f"{own}.command", action.get("command"))
    elif kind == "httpGet":
        _http_get(found, action, own)
    elif kind == "sleep":
        seconds = action.get("seconds") or 0
        if grace_seconds is not None and not 0 <= seconds <= grace_seconds:
            detail = f"must be non-negative and less than terminationGracePeriodSeconds ({grace_seconds})"
            found.invalid(own, seconds, detail)
    else:
        found.port_number_or_name(f"{own}.port", action.get("port"))


def _http_get(found: FieldErrors, action: Object, path: str) -> None:
    found.present(f"{path}.path", action.get("path"))
    found.port_number_or_name(f"{path}.port", action.get("port"))
    if action.get("scheme") not in _SCHEMES:
        found.not_supported(f"{path}.scheme", action.get("scheme") or "", _SCHEMES)
    for header in action.get("httpHeaders") or ():
        found.rule(f"{path}.httpHeaders", header.get("name") or "", names.http_header_name)
