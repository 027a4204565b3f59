"""What authorizers that ask webhooks count, under upstream's names."""

from pynetes.component import metrics

_STEM = "apiserver_authorization_"
_TYPE = "Webhook"

EVALUATIONS = metrics.counter(
    f"{_STEM}webhook_evaluations_total", "Round-trips to authorization webhooks.", ("name", "result")
)
SECONDS = metrics.Durations(
    f"{_STEM}webhook_duration_seconds",
    "Request latency in seconds.",
    ("name", "result"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
FAIL_OPEN = metrics.counter(
    f"{_STEM}webhook_evaluations_fail_open_total",
    "NoOpinion results due to webhook timeout or error.",
    ("name", "result"),
)
_condition_errors = metrics.counter(
    f"{_STEM}match_condition_evaluation_errors_total",
    "Total number of errors when an authorization webhook encounters a match condition error split by authorizer type "
    "and name.",
    ("type", "name"),
)
_exclusions = metrics.counter(
    f"{_STEM}match_condition_exclusions_total",
    "Total number of exclusions when an authorization webhook is skipped because match conditions exclude it.",
    ("type", "name"),
)
_condition_seconds = metrics.Durations(
    f"{_STEM}match_condition_evaluation_seconds",
    "Authorization match condition evaluation time in seconds, split by authorizer type and name.",
    ("type", "name"),
    buckets=(0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25),
)


def note_conditions(name: str, seconds: float, *, excluded: bool, failed: bool) -> None:
    """All match conditions of a webhook, asked once."""
    _condition_seconds.note((_TYPE, name), seconds)
    if failed:
        _condition_errors.labels(_TYPE, name).inc()
    elif excluded:
        _exclusions.labels(_TYPE, name).inc()
