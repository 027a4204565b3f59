"""What the filter works with: a policy and the backends that the configuration names."""

from collections.abc import Mapping
from typing import Any

from pynetes.apiserver.audit.backend import Backend, lost
from pynetes.apiserver.audit.batch import BatchBackend, Batching
from pynetes.apiserver.audit.log import LogBackend, Rotation
from pynetes.apiserver.audit.policy import Noted, Policy, load
from pynetes.apiserver.audit.truncate import Limits, TruncateBackend
from pynetes.apiserver.audit.webhook import WebhookBackend
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.config import APIServerConfig
from pynetes.apiserver.requestinfo import RequestInfo
from pynetes.component import metrics
from pynetes.component.tasks import Tasks

Object = dict[str, Any]

_events = metrics.counter(
    "apiserver_audit_event_total", "Counter of audit events generated and sent to the audit backend."
)
_levels = metrics.counter(
    "apiserver_audit_level_total", "Counter of policy levels for audit events (1 per request).", ("level",)
)
rejected = metrics.counter(
    "apiserver_audit_requests_rejected_total",
    "Counter of apiserver requests rejected due to an error in audit logging backend.",
)


class Auditor:
    """`backends` by the names that they are counted under; `strict`: a request whose beginning cannot be noted is
    refused."""

    def __init__(self, policy: Policy, backends: Mapping[str, Backend], *, strict: bool = False) -> None:
        self._policy = policy
        self.strict = strict
        self._backends = backends

    def noted(self, user: UserInfo | None, info: RequestInfo) -> Noted:
        """What is noted of a request; asked once for each."""
        noted = self._policy.of(user, info)
        _levels.labels(noted.level).inc()
        return noted

    async def write(self, event: Object) -> None:
        """OSError if a backend that is waited for cannot take it."""
        _events.inc()
        for name, backend in self._backends.items():
            try:
                await backend.write((event,))
            except OSError:
                lost.labels(name).inc()
                raise

    async def close(self) -> None:
        for backend in self._backends.values():
            await backend.close()


def build(config: APIServerConfig, tasks: Tasks) -> Auditor | None:
    """None if nothing is to be noted. PolicyError, ConfigError."""
    if config.audit_policy_file is None:
        return None
    backends: dict[str, Backend] = {}
    if config.audit_log_path:
        rotation = Rotation(
            config.audit_log_maxsize, config.audit_log_maxage, config.audit_log_maxbackup, config.audit_log_compress
        )
        written = LogBackend(config.audit_log_path, config.audit_log_format, rotation)
        batching = Batching(
            config.audit_log_batch_buffer_size, config.audit_log_batch_max_size, config.audit_log_batch_max_wait
        )
        backends["log"] = BatchBackend("log", written, tasks, batching) if config.audit_log_mode == "batch" else written
        if config.audit_log_truncate_enabled:
            limits = Limits(config.audit_log_truncate_max_event_size, config.audit_log_truncate_max_batch_size)
            backends["log"] = TruncateBackend(backends["log"], limits)
    if config.audit_webhook_config_file is not None:
        posted = WebhookBackend.from_kubeconfig(config.audit_webhook_config_file, config.audit_webhook_initial_backoff)
        batching = Batching(
            config.audit_webhook_batch_buffer_size,
            config.audit_webhook_batch_max_size,
            config.audit_webhook_batch_max_wait,
        )
        backends["webhook"] = (
            BatchBackend("webhook", posted, tasks, batching) if config.audit_webhook_mode == "batch" else posted
        )
        if config.audit_webhook_truncate_enabled:
            limits = Limits(config.audit_webhook_truncate_max_event_size, config.audit_webhook_truncate_max_batch_size)
            backends["webhook"] = TruncateBackend(backends["webhook"], limits)
    if not backends:
        return None
    strict = "blocking-strict" in (config.audit_log_mode, config.audit_webhook_mode)
    return Auditor(load(config.audit_policy_file), backends, strict=strict)
