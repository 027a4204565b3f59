"""Property names as CEL identifiers: `a-b` is `a__dash__b`, `namespace` is `__namespace__`."""

import re

RESERVED = frozenset(
    (
        *("true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if"),
        *("import", "let", "loop", "package", "namespace", "return", "var", "void", "while"),
    )
)
_NAME = re.compile(r"[a-zA-Z_.\-/][a-zA-Z0-9_.\-/]*", re.ASCII)
_SPECIAL = re.compile(r"__|[.\-/]")
_ESCAPED = re.compile(r"__[^_]+__")
_WORDS = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_CHARACTERS = {word: special for special, word in _WORDS.items()}


def escape(name: str) -> str | None:
    """The identifier for a property; None if expressions cannot reach it."""
    if _NAME.fullmatch(name) is None:
        return None
    if name in RESERVED:
        return f"__{name}__"
    return _SPECIAL.sub(lambda match: _WORDS[match.group()], name)


def unescape(identifier: str) -> str | None:
    """The property that an identifier stands for; None if it stands for none."""
    wrong = False

    def restore(match: re.Match[str]) -> str:
        nonlocal wrong
        word = match.group()
        if word in _CHARACTERS:
            return _CHARACTERS[word]
        if word.strip("_") in RESERVED and word == identifier:
            return word.strip("_")
        wrong = True
        return ""

    name = _ESCAPED.sub(restore, identifier)
    return None if wrong else name
