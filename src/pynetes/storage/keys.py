"""Key ranges: keys are ordered by code point, which UTF-8 keeps, so every engine sorts them alike."""

_LAST = "\U0010ffff"
_BEFORE_SURROGATES, _AFTER_SURROGATES = 0xD7FF, 0xE000


def prefix_end(prefix: str) -> str:
    """The first key after all keys that begin with `prefix`."""
    stripped = prefix.rstrip(_LAST)
    if not stripped:
        return _LAST
    last = ord(stripped[-1])
    return stripped[:-1] + chr(_AFTER_SURROGATES if last == _BEFORE_SURROGATES else last + 1)
