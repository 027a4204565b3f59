"""Image names: `registry/repository:tag@digest`, with Docker's short forms."""

import re

from msgspec import Struct

_ALNUM = r"[a-z0-9]+"
_PATH = rf"{_ALNUM}(?:(?:[._]|__|-+){_ALNUM})*"
_LABEL = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE = re.compile(
    rf"(?P<name>(?:{_HOST}/)?{_PATH}(?:/{_PATH})*)(?::(?P<tag>\w[\w.-]{{0,127}}))?(?:@(?P<digest>{_DIGEST}))?",
    re.ASCII,
)
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")
_MAX_NAME = 255


class Reference(Struct, frozen=True):
    """`repository` is the name in full, registry included (`docker.io/library/nginx`)."""

    repository: str
    tag: str
    digest: str


def parse(image: str) -> Reference:
    """Raises ValueError with upstream's text."""
    try:
        return _parse(image)
    except ValueError as error:
        raise ValueError(f'couldn\'t parse image name "{image}": {error}') from None


def _parse(image: str) -> Reference:
    if _IDENTIFIER.fullmatch(image):
        raise ValueError(f"invalid repository name ({image}), cannot specify 64-byte hexadecimal strings")
    domain, remainder = _split_domain(image)
    remote = remainder.split(":")[0]
    if remote.lower() != remote:
        raise ValueError(f"invalid reference format: repository name ({remote}) must be lowercase")
    match = _REFERENCE.fullmatch(f"{domain}/{remainder}")
    if match is None:
        raise ValueError("invalid reference format")
    if len(match["name"]) > _MAX_NAME:
        raise ValueError(f"repository name must not be more than {_MAX_NAME} characters")
    tag, digest = match["tag"] or "", match["digest"] or ""
    return Reference(match["name"], tag if tag or digest else "latest", digest)


def _split_domain(image: str) -> tuple[str, str]:
    first, slash, rest = image.partition("/")
    is_domain = slash and ("." in first or ":" in first or first == "localhost" or first.lower() != first)
    domain, remainder = (first, rest) if is_domain else ("docker.io", image)
    if domain == "index.docker.io":
        domain = "docker.io"
    if domain == "docker.io" and "/" not in remainder:
        remainder = f"library/{remainder}"
    return domain, remainder


def with_default_tag(image: str) -> str:
    """The name as the runtime takes it: as written, with `:latest` where neither tag nor digest is given."""
    reference = parse(image)
    if reference.tag and not reference.digest and not image.endswith(f":{reference.tag}"):
        return f"{image}:{reference.tag}"
    return image


def full_name(image: str) -> str:
    """As the runtime lists it among an image's tags or digests. Raises ValueError."""
    found = parse(image)
    return f"{found.repository}@{found.digest}" if found.digest else f"{found.repository}:{found.tag}"


def default_pull_policy(image: str) -> str:
    """What an empty imagePullPolicy means (the API server fills it in; static pods come without)."""
    try:
        return "Always" if parse(image).tag == "latest" else "IfNotPresent"
    except ValueError:
        return "IfNotPresent"
