"""Patterns of schemas: Go's syntax, matched in a time that grows with the text and not faster."""

from collections.abc import Callable
from functools import lru_cache

from pynetes.component.memo import remembered

#: What RE2 says → what Go says.
_GO_WORDS = {
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid repetition size": "invalid repeat count",
    "no argument for repetition operator": "missing argument to repetition operator",
    "bad repetition operator": "invalid nested repetition operator",
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "trailing \\": "trailing backslash at end of expression",
}
#: Texts up to this length are remembered with their outcome: images, quantities and names come again and again.
_SHORT = 64


class PatternError(ValueError):
    """Not a pattern; the text says why, in Go's words."""


@remembered(4096)
def compiled(pattern: str) -> Callable[[str], bool]:
    """Whether `pattern` occurs in a text. PatternError."""
    import re2  # loaded by the first pattern

    options = re2.Options()
    options.log_errors = False
    try:
        search = re2.compile(pattern, options).search
    except re2.error as error:
        raise PatternError(_words(error, pattern)) from None

    @lru_cache(256)
    def remembered(text: str) -> bool:
        return search(text.encode()) is not None

    def occurs(text: str) -> bool:
        if len(text) <= _SHORT:
            return remembered(text)
        return search(text.encode()) is not None

    return occurs


def _words(error: Exception, pattern: str) -> str:
    text = error.args[0] if error.args else ""
    why = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    what, _, where = why.partition(": ")
    where = pattern if what == "missing )" else where
    what = _GO_WORDS.get(what, what)
    return f"error parsing regexp: {what}: `{where}`"
