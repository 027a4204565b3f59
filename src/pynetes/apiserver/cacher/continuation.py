"""Continue tokens of chunked lists: where the next chunk starts and at which revision.

The form is upstream's (base64url of `{"v":"meta.k8s.io/v1","rv":…,"start":…}`), so a client may change over between
API servers of both makes in the midst of a list.
"""

import base64
import posixpath
import re
from typing import Any

import orjson

from pynetes.apimachinery import errors, json_text

_VERSION = "meta.k8s.io/v1"
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9_-]")
_BAD = "continue key is not valid"
_INCONSISTENT = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)
LATEST = -1
"""In place of a revision: go on with the newest state."""


class ContinueExpired(errors.StatusError):
    """410 for a chunk whose revision is compacted; its Status offers a token that goes on inconsistently."""

    def __init__(self, token: str) -> None:
        super().__init__(410, "Expired", _INCONSISTENT)
        self.token = token

    def status(self) -> dict[str, Any]:
        return {**super().status(), "metadata": {"continue": self.token}}


def encode(start: str, prefix: str, revision: int) -> str:
    """The token that goes on at the key `start` (inclusive) of the list of `prefix`."""
    token = orjson.dumps({"v": _VERSION, "rv": revision, "start": start.removeprefix(prefix)})
    return base64.urlsafe_b64encode(token).rstrip(b"=").decode()


def decode(token: str, prefix: str) -> tuple[str, int]:
    """First key and revision (or LATEST). StatusError 400 for a token that is none."""
    try:
        start, revision = _decode(token)
    except ValueError as e:
        raise errors.bad_request(f"invalid continue token: {e}") from None
    return prefix + start, revision


def _decode(token: str) -> tuple[str, int]:
    wrong = _NOT_BASE64.search(token)
    if wrong is not None or len(token) % 4 == 1:
        raise ValueError(f"{_BAD}: illegal base64 data at input byte {wrong.start() if wrong else len(token) - 1}")
    try:
        parsed = json_text.parse(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_"))
    except json_text.SyntaxProblem as e:
        raise ValueError(f"{_BAD}: {e}") from None
    if parsed is None:
        parsed = {}
    if not isinstance(parsed, dict):
        raise ValueError(f"{_BAD}: json: cannot unmarshal value into Go value of type storage.continueToken")
    version, revision, start = parsed.get("v", ""), parsed.get("rv", 0), parsed.get("start", "")
    if version != _VERSION:
        raise ValueError(f"{_BAD}: server does not recognize this encoded version {version}")
    if type(revision) is not int or revision == 0 or revision < LATEST:
        raise ValueError(f"{_BAD}: incorrect encoded start resourceVersion (version meta.k8s.io/v1)")
    if not isinstance(start, str) or not start:
        raise ValueError(f"{_BAD}: encoded start key empty (version meta.k8s.io/v1)")
    # A start key must not climb out of the list's prefix.
    if posixpath.normpath("/" + start.lstrip("/")) != "/" + start:
        raise ValueError(f"{_BAD}: {start}")
    return start, revision
