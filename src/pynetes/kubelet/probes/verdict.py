"""Thresholds: how many equal answers in a row change what is believed of a container. Pure."""

from msgspec import Struct

from pynetes.kubelet.probes.results import ProbeType, Result

INITIAL: dict[ProbeType, Result] = {"readiness": "failure", "liveness": "success", "startup": "unknown"}
"""What holds until the first verdict: alive, but neither ready nor started."""


class Verdict(Struct):
    """The running count of one probe of one container."""

    kind: ProbeType
    success_threshold: int = 1
    failure_threshold: int = 3
    last: bool | None = None
    run: int = 0
    on_hold: bool = False
    """No more probing until there is a new container: this one is doomed, or has started for good."""

    def new_container(self) -> None:
        self.on_hold = False

    def add(self, healthy: bool) -> Result | None:
        """The new belief, or None while the threshold is not reached."""
        self.run = self.run + 1 if healthy is self.last else 1
        self.last = healthy
        if self.run < (self.success_threshold if healthy else self.failure_threshold):
            return None
        if self.kind == "startup" or (self.kind == "liveness" and not healthy):
            # Also spares a container that is being stopped from further commands (upstream #21751, #117153).
            self.on_hold, self.run = True, 0
        return "success" if healthy else "failure"
