"""Image names: what the default pull policy depends on."""

import re

_TAG = re.compile(r":([\w][\w.-]{0,127})$", re.ASCII)


def tag_of(image: str) -> str:
    """The tag, `latest` if neither tag nor digest is named, empty with a digest alone."""
    name, _, digest = image.partition("@")
    match = _TAG.search(name)
    if match and "/" not in match.group(1):
        return match.group(1)
    return "" if digest else "latest"


def default_pull_policy(image: str) -> str:
    return "Always" if tag_of(image) == "latest" else "IfNotPresent"
