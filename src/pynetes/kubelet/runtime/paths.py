"""Where pods' logs and files lie on the node (upstream's layout: log shippers rely on it)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def pod_log_directory(logs: str | Path, pod: Mapping[str, Any]) -> Path:
    metadata = pod["metadata"]
    return Path(logs) / f"{metadata['namespace']}_{metadata['name']}_{metadata['uid']}"


def container_log_path(container: str, restart_count: int) -> str:
    """Relative to the pod's log directory."""
    return f"{container}/{restart_count}.log"


def pod_directory(root: str | Path, uid: str) -> Path:
    return Path(root) / "pods" / uid


def container_directory(root: str | Path, uid: str, container: str) -> Path:
    """Holds termination logs."""
    return pod_directory(root, uid) / "containers" / container


def restart_count_from_logs(directory: Path) -> int:
    """One more than the latest log's number: when the runtime has forgotten a container, its logs have not."""
    try:
        found = [int(p.name.partition(".")[0]) for p in directory.iterdir() if p.name.partition(".")[0].isdigit()]
    except OSError:
        return 0
    return max(found) + 1 if found else 0
