"""What is wrong with settings by themselves, before anything is opened; in upstream's words."""

import re

from pynetes import KUBERNETES_VERSION
from pynetes.apimachinery.quoting import go_quoted
from pynetes.apiserver.audit import settings as audit
from pynetes.apiserver.config import APIServerConfig, ConfigurationError
from pynetes.apiserver.filters import cors, hsts

_NOT_NEGATIVE = (
    "max_requests_inflight",
    "max_mutating_requests_inflight",
    "request_timeout",
    "min_request_timeout",
    "storage_initialization_timeout",
    "shutdown_delay_duration",
)
_ABSTRACT = re.compile(r"@([a-zA-Z0-9_-]+\.)*[a-zA-Z0-9_-]+")
_MINOR = int(KUBERNETES_VERSION.split(".")[1])
#: How many releases back other components may be.
_SKEW = 3
_OLDEST, _NEWEST = f"1.{_MINOR - _SKEW}", f"1.{_MINOR}"


def check(config: APIServerConfig) -> None:
    """ConfigurationError with all that is wrong."""
    found = problems(config)
    if found:
        raise ConfigurationError(found[0] if len(found) == 1 else f"[{', '.join(found)}]")


def problems(config: APIServerConfig) -> list[str]:
    found = [
        f"--{name.replace('_', '-')} can not be negative value" for name in _NOT_NEGATIVE if getattr(config, name) < 0
    ]
    if config.livez_grace_period < 0:
        found.append("--livez-grace-period can not be a negative value")
    if not 0 <= config.secure_port <= 65535:
        found.append(f"--secure-port {config.secure_port} must be between 0 and 65535, inclusive")
    found += cors.problems(config.cors_allowed_origins)
    found += hsts.problems(config.strict_transport_security_directives)
    found += _node_port(config)
    if config.endpoint_reconciler_type not in ("lease", "none"):
        found.append(f"--endpoint-reconciler-type {config.endpoint_reconciler_type!r} is not one of: lease, none")
    found += audit.problems(config)
    found += _signing(config)
    found += _compatibility(config.min_compatibility_version)
    if config.enable_priority_and_fairness and config.runtime_config.get("api/all") == "false":
        found.append("--runtime-config=api/all=false conflicts with --enable-priority-and-fairness=true")
    return found


def _node_port(config: APIServerConfig) -> list[str]:
    port, (lowest, highest) = config.kubernetes_service_node_port, config.service_node_port_range
    found = []
    if not 0 <= port <= 65535:
        found.append(
            f"--kubernetes-service-node-port {port} must be between 0 and 65535, inclusive. "
            "If 0, the Kubernetes master service will be of type ClusterIP"
        )
    if port and not lowest <= port <= highest:
        found.append(f"kubernetes service node port range {lowest}-{highest} doesn't contain {port}")
    return found


def _signing(config: APIServerConfig) -> list[str]:
    endpoint = config.service_account_signing_endpoint
    if not endpoint:
        return []
    found = []
    if config.service_account_signing_key_file is not None or config.service_account_key_files:
        found.append(
            "can't set `--service-account-signing-key-file` and/or `--service-account-key-file` with "
            "`--service-account-signing-endpoint` (They are mutually exclusive)"
        )
    if endpoint.startswith("@") and not _ABSTRACT.fullmatch(endpoint):
        found.append(
            f"invalid value {go_quoted(endpoint)} passed for `--service-account-signing-endpoint`, "
            "when prefixed with @ must be a valid abstract socket name"
        )
    return found


def _compatibility(text: str) -> list[str]:
    version = text.rpartition("=")[2]
    if not version:
        return []
    if not re.fullmatch(r"\d+\.\d+", version):
        return [f'could not parse "{version}" as version']
    major, minor = map(int, version.split("."))
    if major == 1 and _MINOR - _SKEW <= minor <= _MINOR:
        return []
    return [f"minCompatibilityVersion version {version} is not between [{_OLDEST}, {_NEWEST}]"]
