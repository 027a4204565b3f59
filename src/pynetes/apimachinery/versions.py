"""The order of API versions: general availability before beta before alpha, newer before older, the rest by name."""

import re

_VERSION = re.compile(r"v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?", re.ASCII)
_STAGES = {"alpha": 0, "beta": 1, None: 2}


def version_key(version: str) -> tuple[int, int, int, int, str]:
    """Sorts the preferred version first."""
    found = _VERSION.fullmatch(version)
    if found is None:
        return (1, 0, 0, 0, version)
    return (0, -_STAGES[found[2]], -int(found[1]), -int(found[3] or 0), "")
