"""What a container says at its end: the file at terminationMessagePath, or the tail of its log."""

from collections.abc import Sequence
from pathlib import Path

from pynetes.kubelet.cri import runtime_pb2 as pb

MAX_MESSAGE = 4096
_MAX_LOG_LINES, _MAX_LOG_BYTES = 80, 2048
_TAIL = 80 * 1024


def termination_message(status: pb.ContainerStatus, path: str, policy: str) -> str:
    """Of an exited container; `path` and `policy` are the container's own fields."""
    falls_back = policy == "FallbackToLogsOnError" and status.exit_code != 0 and status.reason != "ContainerCannotRun"
    text, check_logs = _from_file(status.mounts, path, falls_back)
    return last_log_lines(Path(status.log_path)) if check_logs else text


def _from_file(mounts: Sequence[pb.Mount], path: str, falls_back: bool) -> tuple[str, bool]:
    """The text, and whether the log is to be asked."""
    if not path:
        return "", falls_back
    wanted = path if path.startswith("/") else "/" + path
    host_path = next((m.host_path for m in mounts if m.container_path == wanted), "")
    if not host_path:
        return "", falls_back
    try:
        text = _tail(Path(host_path), MAX_MESSAGE).decode(errors="replace")
    except FileNotFoundError:
        return "", falls_back
    except OSError as error:
        return f"Error on reading termination log {host_path}: {error}", False
    return text, falls_back and not text


def _tail(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        length = file.seek(0, 2)
        file.seek(max(length - size, 0))
        return file.read(size)


def last_log_lines(path: Path) -> str:
    """The end of a CRI log, without its time stamps: at most 80 lines and 2 KiB."""
    try:
        raw = _tail(path, _TAIL)
    except OSError as error:
        return f"Error on reading termination message from logs: {error}"
    lines: list[bytes] = []
    for line in raw.split(b"\n"):
        parts = line.split(b" ", 3)
        if len(parts) == 4:
            lines.append(parts[3] + (b"\n" if parts[2] == b"F" else b""))
    return b"".join(lines[-_MAX_LOG_LINES:])[-_MAX_LOG_BYTES:].decode(errors="replace")
