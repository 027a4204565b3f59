"""/version: which Kubernetes this is."""

import platform
from typing import Any

from pynetes import KUBERNETES_VERSION, __version__
from pynetes.component import metrics

#: Label → field of the document.
_LABELS = {
    "major": "major",
    "minor": "minor",
    "git_version": "gitVersion",
    "git_commit": "gitCommit",
    "git_tree_state": "gitTreeState",
    "build_date": "buildDate",
    "go_version": "goVersion",
    "compiler": "compiler",
    "platform": "platform",
}
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

_info = metrics.gauge(
    "kubernetes_build_info",
    "A metric with a constant '1' value labeled by major, minor, git version, git commit, git tree state, build date, "
    "Go version, and compiler from which Kubernetes was built, and platform on which it is running.",
    tuple(_LABELS),
)


def tell() -> None:
    """Shows it among the metrics."""
    shown = document()
    _info.labels(*(shown[field] for field in _LABELS.values())).set(1)


def document(oldest: str = "") -> dict[str, Any]:
    """`oldest`: the release (`1.35`) down to which components may be; the one before this if empty."""
    major, minor = KUBERNETES_VERSION.removeprefix("v").split(".")[:2]
    machine = platform.machine()
    return {
        "major": major,
        "minor": minor,
        "emulationMajor": major,
        "emulationMinor": minor,
        "minCompatibilityMajor": major,
        "minCompatibilityMinor": oldest.partition(".")[2] or str(int(minor) - 1),
        "gitVersion": f"{KUBERNETES_VERSION}+pynetes-{__version__}",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": platform.python_implementation().lower(),
        "platform": f"linux/{_ARCHITECTURES.get(machine, machine)}",
    }
