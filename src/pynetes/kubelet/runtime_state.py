"""Whether the container runtime and its network are fit for pods: what makes a node Ready or not."""

from collections.abc import Callable

from pynetes.component import clock
from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.cri.channel import CRIError
from pynetes.kubelet.cri.runtime import RuntimeService

#: Without an answer for this long, the runtime counts as down.
_DOWN_AFTER = 30.0
_PERIOD = 5.0
_PERIOD_NOT_READY = 0.1


def condition_text(condition: pb.RuntimeCondition | None) -> str:
    """As Go prints it in upstream's messages."""
    if condition is None:
        return "<nil>"
    status = "true" if condition.status else "false"
    return f"{condition.type}={status} reason:{condition.reason} message:{condition.message}"


class RuntimeState:
    def __init__(self, runtime: RuntimeService) -> None:
        self._runtime = runtime
        self._last_answer: float | None = None
        self._runtime_error = self._network_error = ""
        self._checks: dict[str, Callable[[], str]] = {}
        self.handlers: list[pb.RuntimeHandler] = []
        self.features: pb.RuntimeFeatures | None = None

    def add_check(self, name: str, check: Callable[[], str]) -> None:
        """A part of the kubelet (`PLEG`) that can make the node not ready; `check` gives the reason or nothing."""
        self._checks[name] = check

    async def update(self) -> None:
        """Asks the runtime; one that does not answer is noticed by `errors` after a while."""
        try:
            answer = await self._runtime.status()
        except CRIError:
            return
        conditions = {condition.type: condition for condition in answer.status.conditions}
        self._runtime_error = _error("container runtime not ready", conditions.get("RuntimeReady"))
        self._network_error = _error("container runtime network not ready", conditions.get("NetworkReady"))
        self.handlers = list(answer.runtime_handlers)
        self.features = answer.features if answer.HasField("features") else None
        if not self._runtime_error:
            self._last_answer = clock.monotonic()

    async def run(self, changed: Callable[[], None]) -> None:
        """Asks again and again until cancelled, more often while something is amiss; `changed` hears that the node
        became ready or ceased to be."""
        while True:
            ready = self._is_ready()
            await self.update()
            now_ready = self._is_ready()
            if ready != now_ready:
                changed()
            await clock.sleep(_PERIOD if now_ready else _PERIOD_NOT_READY)

    def _is_ready(self) -> bool:
        return self.network_ready and not self.errors()

    @property
    def network_ready(self) -> bool:
        return self._last_answer is not None and not self._network_error

    def recursive_read_only(self) -> bool:
        """Whether the runtime's default handler can mount so that nothing below a mount is writable."""
        return any(handler.name == "" and handler.features.recursive_read_only_mounts for handler in self.handlers)

    def errors(self) -> list[str]:
        """Why the node is not ready, in upstream's words; none if it is."""
        found = []
        if self._last_answer is None:
            found.append("container runtime status check may not have completed yet")
        elif clock.monotonic() - self._last_answer > _DOWN_AFTER:
            found.append("container runtime is down")
        for name, check in self._checks.items():
            if reason := check():
                found.append(f"{name} is not healthy: {reason}")
        return found + [error for error in (self._runtime_error, self._network_error) if error]


def _error(what: str, condition: pb.RuntimeCondition | None) -> str:
    if condition is not None and condition.status:
        return ""
    return f"{what}: {condition_text(condition)}"
