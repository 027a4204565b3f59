"""What is wrong with the audit flags, in upstream's words."""

from collections.abc import Iterator

from pynetes.apiserver.config import APIServerConfig

_FORMATS = ("legacy", "json")
_MODES = ("batch", "blocking", "blocking-strict")


def problems(config: APIServerConfig) -> list[str]:
    """Of backends that are in use."""
    found: list[str] = []
    if config.audit_log_path:
        found += _backend(config, "log")
        if config.audit_log_format not in _FORMATS:
            known = ",".join(_FORMATS)
            found.append(f'invalid audit log format {config.audit_log_format}, allowed formats are "{known}"')
        for name in ("maxage", "maxbackup", "maxsize"):
            value = getattr(config, f"audit_log_{name}")
            if value < 0:
                found.append(f"--audit-log-{name} {value} can't be a negative number")
    if config.audit_webhook_config_file is not None:
        found += _backend(config, "webhook")
    return found


def _backend(config: APIServerConfig, name: str) -> Iterator[str]:
    def value(setting: str) -> int:
        number: int = getattr(config, f"audit_{name}_{setting}")
        return number

    mode = getattr(config, f"audit_{name}_mode")
    if mode not in _MODES:
        yield f'invalid audit {name} mode {mode}, allowed modes are "{",".join(_MODES)}"'
    elif mode == "batch":
        if (size := value("batch_buffer_size")) <= 0:
            yield f"invalid audit batch {name} buffer size {size}, must be a positive number"
        elif (size := value("batch_max_size")) <= 0:
            yield f"invalid audit batch {name} max batch size {size}, must be a positive number"
    event, batch = value("truncate_max_event_size"), value("truncate_max_batch_size")
    if event <= 0:
        yield f"invalid audit truncate {name} max event size {event}, must be a positive number"
    elif batch < event:
        yield f"invalid audit truncate {name} max batch size {batch}, must be greater than max event size ({event})"
