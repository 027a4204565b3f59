"""Metrics of admission, under upstream's names: https://kubernetes.io/docs/reference/instrumentation/metrics/."""

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

from pynetes.component import clock, metrics

_BUCKETS = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5)
_CONDITION_LABELS = ("name", "kind", "type", "operation")

_STEP_LABELS = ("type", "operation", "rejected")
STEP_SECONDS = metrics.Durations(
    "apiserver_admission_step_admission_duration_seconds",
    "Admission sub-step latency histogram in seconds, broken out for each operation and API resource and step type "
    "(validate or admit).",
    _STEP_LABELS,
    buckets=_BUCKETS,
)
CONTROLLER_SECONDS = metrics.Durations(
    "apiserver_admission_controller_admission_duration_seconds",
    "Admission controller latency histogram in seconds, identified by name and broken out for each operation and API "
    "resource and type (validate or admit).",
    ("name", *_STEP_LABELS),
    buckets=_BUCKETS,
)
WEBHOOK_DURATION = metrics.histogram(
    "apiserver_admission_webhook_admission_duration_seconds",
    "Admission webhook latency histogram in seconds, identified by name and broken out for each operation and API "
    "resource and type (validate or admit).",
    ("name", "type", "operation", "rejected"),
    buckets=(*_BUCKETS, 10, 25),
)
WEBHOOK_REQUESTS = metrics.counter(
    "apiserver_admission_webhook_request_total",
    "Admission webhook request total, identified by name and broken out for each admission type (validating or admit) "
    "and operation.",
    ("name", "type", "operation", "code", "rejected"),
)
WEBHOOK_REJECTIONS = metrics.plain_counter(
    "apiserver_admission_webhook_rejection_count",
    "Admission webhook rejection count, identified by name and broken out for each admission type (validating or "
    "admit) and operation.",
    ("name", "type", "operation", "error_type", "rejection_code"),
)
WEBHOOK_FAIL_OPEN = metrics.plain_counter(
    "apiserver_admission_webhook_fail_open_count",
    "Admission webhook fail open count, identified by name and broken out for each admission type (validating or "
    "admit).",
    ("name", "type"),
)
CONDITION_ERRORS = metrics.counter(
    "apiserver_admission_match_condition_evaluation_errors_total",
    "Admission match condition evaluation errors count, identified by name of resource containing the match condition.",
    _CONDITION_LABELS,
)
CONDITION_EXCLUSIONS = metrics.counter(
    "apiserver_admission_match_condition_exclusions_total",
    "Admission match condition evaluation exclusions count, identified by name of resource containing the match "
    "condition.",
    _CONDITION_LABELS,
)
CONDITION_SECONDS = metrics.histogram(
    "apiserver_admission_match_condition_evaluation_seconds",
    "Admission match condition evaluation time in seconds, identified by name.",
    _CONDITION_LABELS,
    buckets=(0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25),
)
_CHECK_LABELS = ("policy", "policy_binding", "error_type")
_CHECK_BUCKETS = (0.0000005, 0.001, 0.01, 0.1, 1.0)
VALIDATIONS = metrics.counter(
    "apiserver_validating_admission_policy_check_total",
    "Validation admission policy check total, labeled by policy and further identified by binding and enforcement "
    "action taken.",
    (*_CHECK_LABELS, "enforcement_action"),
)
VALIDATION_SECONDS = metrics.histogram(
    "apiserver_validating_admission_policy_check_duration_seconds",
    "Validation admission latency for individual validation expressions in seconds, labeled by policy and further "
    "including binding and enforcement action taken.",
    (*_CHECK_LABELS, "enforcement_action"),
    buckets=_CHECK_BUCKETS,
)
MUTATIONS = metrics.counter(
    "apiserver_mutating_admission_policy_check_total",
    "Mutation admission policy check total, labeled by policy and further identified by binding.",
    _CHECK_LABELS,
)
MUTATION_SECONDS = metrics.histogram(
    "apiserver_mutating_admission_policy_check_duration_seconds",
    "Mutation admission latency for individual mutation expressions in seconds, labeled by policy and binding.",
    _CHECK_LABELS,
    buckets=_CHECK_BUCKETS,
)
_HIGHEST_CODE = 600


class Measured(Struct):
    """Counts for the match conditions of one webhook (`kind` webhook) or policy; `operation` is set per request."""

    name: str
    kind: str
    type: str
    operation: str = ""

    def _labels(self) -> tuple[str, str, str, str]:
        return self.name, self.kind, self.type, self.operation

    @contextmanager
    def time(self) -> Iterator[None]:
        started = clock.monotonic()
        try:
            yield
        finally:
            CONDITION_SECONDS.labels(*self._labels()).observe(clock.monotonic() - started)

    def error(self) -> None:
        CONDITION_ERRORS.labels(*self._labels()).inc()

    def exclusion(self) -> None:
        CONDITION_EXCLUSIONS.labels(*self._labels()).inc()


def webhook_called(name: str, type: str, operation: str, seconds: float, code: int, *, rejected: bool) -> None:
    shown = "true" if rejected else "false"
    WEBHOOK_REQUESTS.labels(name, type, operation, str(min(code, _HIGHEST_CODE)), shown).inc()
    WEBHOOK_DURATION.labels(name, type, operation, shown).observe(seconds)


def webhook_rejected(name: str, type: str, operation: str, error_type: str, code: int) -> None:
    WEBHOOK_REJECTIONS.labels(name, type, operation, error_type, str(min(code, _HIGHEST_CODE))).inc()


def validated(policy: str, binding: str, problem: str, action: str, seconds: float) -> None:
    labels = (policy, binding, _error_type(problem), action)
    VALIDATIONS.labels(*labels).inc()
    VALIDATION_SECONDS.labels(*labels).observe(seconds)


def mutated(policy: str, binding: str, problem: str | None, seconds: float) -> None:
    """`problem` is None if there was none."""
    labels = (policy, binding, "no_error" if problem is None else _error_type(problem))
    MUTATIONS.labels(*labels).inc()
    MUTATION_SECONDS.labels(*labels).observe(seconds)


def _error_type(problem: str) -> str:
    if problem.startswith("compilation"):
        return "compile_error"
    return "out_of_budget" if problem.startswith("validation failed due to running out of") else "invalid_error"
