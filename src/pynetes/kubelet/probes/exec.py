"""Exec probes: a command in the container, healthy when it ends with 0."""

from collections.abc import Sequence

from pynetes.apimachinery import times
from pynetes.kubelet.cri.channel import CRIError
from pynetes.kubelet.cri.runtime import RuntimeService
from pynetes.kubelet.probes.outcome import Outcome, ProbeError

_MAX_OUTPUT = 10 * 1024


async def probe(runtime: RuntimeService, container_id: str, command: Sequence[str], timeout: float) -> Outcome:
    """Raises ProbeError where the command could not be run."""
    try:
        answer = await runtime.exec_sync(container_id, command, timeout)
    except CRIError as error:
        if error.timed_out:
            return Outcome("failure", f'command timed out: "{" ".join(command)}" timed out after {_seconds(timeout)}')
        raise ProbeError(str(error)) from None
    output = (answer.stdout + answer.stderr)[:_MAX_OUTPUT].decode(errors="replace")
    return Outcome("failure" if answer.exit_code else "success", output)


def _seconds(timeout: float) -> str:
    return times.format_duration(timeout)
