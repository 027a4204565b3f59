"""For all tests: generated cases are the same in every run, and a slow machine is no finding."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "pynetes", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("pynetes")
