"""/version: which Kubernetes this is."""

import platform
from typing import Any

from pynetes import KUBERNETES_VERSION, __version__

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def document() -> dict[str, Any]:
    major, minor = KUBERNETES_VERSION.removeprefix("v").split(".")[:2]
    machine = platform.machine()
    return {
        "major": major,
        "minor": minor,
        "emulationMajor": major,
        "emulationMinor": minor,
        "minCompatibilityMajor": major,
        "minCompatibilityMinor": str(int(minor) - 1),
        "gitVersion": f"{KUBERNETES_VERSION}+pynetes-{__version__}",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": platform.python_implementation().lower(),
        "platform": f"linux/{_ARCHITECTURES.get(machine, machine)}",
    }
