"""How long validation rules of custom resources take."""

from pynetes.component import metrics

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

#: Of all rules of a version, when the first object asks for them.
COMPILATION = metrics.Durations(
    "apiserver_cel_compilation_duration_seconds", "CEL compilation time in seconds.", (), buckets=_SECONDS
)
#: Of all rules over one object.
EVALUATION = metrics.Durations(
    "apiserver_cel_evaluation_duration_seconds", "CEL evaluation time in seconds.", (), buckets=_SECONDS
)
