"""Files of environment variables (`valueFrom.fileKeyRef`): lines `NAME='value'`, the value in single quotes.

Values may span lines; `#` starts a comment line, or follows a value; blanks between `=` and the value make it empty.
"""


class EnvFileError(ValueError):
    """The file breaks the format."""


def find(text: str, key: str) -> str:
    """The value of `key`, empty if the file has none. Raises EnvFileError at the first malformed line before it."""
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        line, at = lines[at].lstrip(" \t"), at + 1
        if not line or line.startswith("#"):
            continue
        name, rest = _split(line, at)
        if rest.lstrip(" \t") != rest:
            if name == key:
                return ""
            continue
        if not rest.startswith("'"):
            raise EnvFileError(_invalid(at, "value must be enclosed in single quotes"))
        value, at = _quoted(lines, rest[1:], at)
        if name == key:
            return value
    return ""


def _invalid(line: int, why: str) -> str:
    return f"invalid environment variable format at line {line}: {why}"


def _split(line: str, number: int) -> tuple[str, str]:
    name, equals, rest = line.partition("=")
    if not equals:
        raise EnvFileError(_invalid(number, "missing '='"))
    stripped = name.rstrip(" \t")
    if not stripped:
        raise EnvFileError(_invalid(number, "empty variable name"))
    if stripped != name:
        raise EnvFileError(_invalid(number, "whitespace before '=' is not allowed"))
    return name, rest


def _quoted(lines: list[str], first: str, at: int) -> tuple[str, int]:
    """The text up to the closing quote, and the number of lines consumed so far."""
    start, parts, rest = at, [], first
    while True:
        content, quote, after = rest.partition("'")
        parts.append(content)
        if quote:
            after = after.lstrip(" \t")
            if after and not after.startswith("#"):
                raise EnvFileError(_invalid(at, "unexpected content after closing quote"))
            return "\n".join(parts), at
        if at >= len(lines):
            raise EnvFileError(f"invalid environment variable format starting at line {start}: unclosed single quote")
        rest, at = lines[at], at + 1
