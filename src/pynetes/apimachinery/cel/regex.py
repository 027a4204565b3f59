"""Regular expressions: RE2, as the original's, because rules are other people's text and must not take forever."""

from typing import Any

import re2

from pynetes.component.memo import remembered

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False

#: What RE2 says, and what Go's package of the same syntax says.
_MESSAGES = (
    ("missing )", "missing closing )"),
    ("unexpected )", "unexpected )"),
    ("missing ]", "missing closing ]"),
    ("no argument for repetition operator", "missing argument to repetition operator"),
    ("bad repetition operator", "invalid nested repetition operator"),
    ("invalid repetition size", "invalid repeat count"),
    ("invalid perl operator", "invalid or unsupported Perl syntax"),
    ("invalid character class range", "invalid character class range"),
    ("invalid escape sequence", "invalid escape sequence"),
    ("trailing \\", "trailing backslash at end of expression"),
    ("invalid named capture group", "invalid named capture"),
    ("invalid UTF-8", "invalid UTF-8"),
    ("expression too large", "expression too large"),
)


class RegexError(ValueError):
    """A pattern that does not compile, in Go's words."""


@remembered(4096)
def compile_pattern(pattern: str) -> Any:
    """The compiled pattern; RegexError if it is none."""
    try:
        return re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        raw = error.args[0] if error.args else ""
        text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
        raise RegexError(_message(text)) from None


def _message(text: str) -> str:
    for theirs, ours in _MESSAGES:
        if text.startswith(theirs):
            rest = text[len(theirs) :].removeprefix(": ")
            return f"error parsing regexp: {ours}" + (f": `{rest}`" if rest else "")
    return f"error parsing regexp: {text}"


def matches(pattern: Any, text: str) -> bool:
    return pattern.search(text) is not None
