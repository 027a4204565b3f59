"""What the filter works with: a policy and the backends that the configuration names."""

from collections.abc import Sequence
from typing import Any

from pynetes.apiserver.audit.backend import Backend
from pynetes.apiserver.audit.batch import BatchBackend, Batching
from pynetes.apiserver.audit.log import LogBackend, Rotation
from pynetes.apiserver.audit.policy import Policy, load
from pynetes.apiserver.audit.webhook import WebhookBackend
from pynetes.apiserver.config import APIServerConfig
from pynetes.component import metrics
from pynetes.component.tasks import Tasks

Object = dict[str, Any]

_events = metrics.counter(
    "apiserver_audit_event_total", "Counter of audit events generated and sent to the audit backend."
)
rejected = metrics.counter(
    "apiserver_audit_requests_rejected_total",
    "Counter of apiserver requests rejected due to an error in audit logging backend.",
)


class Auditor:
    """`strict`: a request whose beginning cannot be noted is refused."""

    def __init__(self, policy: Policy, backends: Sequence[Backend], *, strict: bool = False) -> None:
        self.policy = policy
        self.strict = strict
        self._backends = backends

    async def write(self, event: Object) -> None:
        """OSError if a backend that is waited for cannot take it."""
        _events.inc()
        for backend in self._backends:
            await backend.write((event,))

    async def close(self) -> None:
        for backend in self._backends:
            await backend.close()


def build(config: APIServerConfig, tasks: Tasks) -> Auditor | None:
    """None if nothing is to be noted. PolicyError, ConfigError."""
    if config.audit_policy_file is None:
        return None
    backends: list[Backend] = []
    if config.audit_log_path:
        rotation = Rotation(
            config.audit_log_maxsize, config.audit_log_maxage, config.audit_log_maxbackup, config.audit_log_compress
        )
        written = LogBackend(config.audit_log_path, config.audit_log_format, rotation)
        batching = Batching(
            config.audit_log_batch_buffer_size, config.audit_log_batch_max_size, config.audit_log_batch_max_wait
        )
        backends.append(BatchBackend("log", written, tasks, batching) if config.audit_log_mode == "batch" else written)
    if config.audit_webhook_config_file is not None:
        posted = WebhookBackend.from_kubeconfig(config.audit_webhook_config_file, config.audit_webhook_initial_backoff)
        batching = Batching(
            config.audit_webhook_batch_buffer_size,
            config.audit_webhook_batch_max_size,
            config.audit_webhook_batch_max_wait,
        )
        backends.append(
            BatchBackend("webhook", posted, tasks, batching) if config.audit_webhook_mode == "batch" else posted
        )
    if not backends:
        return None
    strict = "blocking-strict" in (config.audit_log_mode, config.audit_webhook_mode)
    return Auditor(load(config.audit_policy_file), backends, strict=strict)
