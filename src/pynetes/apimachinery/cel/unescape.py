"""Values of string and bytes literals."""

_SIMPLE = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    '"': '"',
    "'": "'",
    "\\": "\\",
    "?": "?",
    "`": "`",
}
_UNABLE = "unable to unescape string"
_OCTAL = "unable to unescape octal sequence in string"
_INVALID = "invalid unicode code point"


def unescape(literal: str) -> str:
    """The text of a string literal with its quotes; ValueError says what is wrong with it."""
    body, raw = _body(literal)
    return body if raw else "".join(map(str, _decode(body, in_bytes=False)))


def unescape_bytes(literal: str) -> bytes:
    """The bytes of a literal without its leading b: escapes give one byte each, other characters their UTF-8."""
    body, raw = _body(literal)
    if raw:
        return body.encode("utf-8", "surrogatepass")
    out = bytearray()
    for part in _decode(body, in_bytes=True):
        if isinstance(part, int):
            out.append(part)
        else:
            out += part.encode("utf-8", "surrogatepass")
    return bytes(out)


def _body(literal: str) -> tuple[str, bool]:
    raw = literal[0] in "rR"
    text = (literal[1:] if raw else literal).replace("\r\n", "\n").replace("\r", "\n")
    width = 3 if len(text) >= 6 and text[:3] in ('"""', "'''") else 1
    return text[width:-width], raw or "\\" not in text


def _decode(body: str, *, in_bytes: bool) -> list[str | int]:
    """The characters; in bytes, an escape is the number of a byte."""
    out: list[str | int] = []
    index = 0
    while index < len(body):
        char = body[index]
        if char != "\\":
            out.append(char)
            index += 1
            continue
        if index + 1 >= len(body):
            raise ValueError("unable to unescape string, found '\\' as last character")
        kind = body[index + 1]
        if kind in _SIMPLE:
            out.append(_SIMPLE[kind])
            index += 2
        elif kind in "xXuU":
            digits = {"x": 2, "X": 2, "u": 4, "U": 8}[kind]
            if in_bytes and digits > 2:
                raise ValueError(_UNABLE)
            out.append(_character(body[index + 2 : index + 2 + digits], digits, 16, in_bytes))
            index += 2 + digits
        elif kind in "0123":
            out.append(_character(body[index + 1 : index + 4], 3, 8, in_bytes))
            index += 4
        else:
            raise ValueError(_UNABLE)
    return out


def _character(digits: str, wanted: int, base: int, in_bytes: bool) -> str | int:
    try:
        code = int(digits, base) if len(digits) == wanted else -1
    except ValueError:
        code = -1
    if code < 0:
        raise ValueError(_OCTAL if base == 8 else _UNABLE)
    if in_bytes:
        return code
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise ValueError(_INVALID)
    return chr(code)
