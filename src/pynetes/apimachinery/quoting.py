"""Texts in double quotes as Go's `%q` shows them, which is how upstream's messages name things."""

_ESCAPES = {'"': '"', "\\": "\\", "\a": "a", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t", "\v": "v"}


def go_quoted(text: str) -> str:
    """With what cannot be printed escaped."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(map(_shown, text)) + '"'


def _shown(char: str) -> str:
    if char in _ESCAPES:
        return "\\" + _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
