"""Image names: what the default pull policy depends on."""

import re

_MAX_NAME = 255
_PART = "[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*"
_DOMAIN = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_NAME = re.compile(rf"(?:{_DOMAIN}/)?{_PART}(?:/{_PART})*(?::\w[\w.-]{{0,127}})?(?:$|@)", re.ASCII)
_TAG = re.compile(r":([\w][\w.-]{0,127})$", re.ASCII)


def tag_of(image: str) -> str:
    """The tag, `latest` if neither tag nor digest is named, empty with a digest alone."""
    name, _, digest = image.partition("@")
    match = _TAG.search(name)
    if match and "/" not in match.group(1):
        return match.group(1)
    return "" if digest else "latest"


def default_pull_policy(image: str) -> str:
    """What is no name of an image has no tag."""
    named = _NAME.match(image) and len(_path(image)) <= _MAX_NAME
    return "Always" if named and tag_of(image) == "latest" else "IfNotPresent"


def _path(image: str) -> str:
    """The name within its registry, as it is with everything that may be left out."""
    name = _TAG.sub("", image.partition("@")[0])
    first, slash, rest = name.partition("/")
    if slash and (first == "localhost" or first != first.lower() or set(".:") & set(first)):
        return rest
    return name if slash else f"library/{name}"
