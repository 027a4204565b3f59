"""What one attempt of a probe came to."""

from typing import Literal

from msgspec import Struct


class Outcome(Struct, frozen=True):
    """`warning` counts as success and says so in an event; `unknown` is thrown away."""

    result: Literal["success", "warning", "failure", "unknown"]
    output: str = ""


class ProbeError(Exception):
    """The probe could not be run at all: neither success nor failure of the container."""
